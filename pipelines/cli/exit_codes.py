"""What a command's exit code says; the epilog of `headrace` explains them."""

COMPLETE, INCOMPLETE, USERS_MISTAKE = 0, 1, 2
