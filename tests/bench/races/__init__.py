"""One module a race: `race(folder)` prepares it in an empty folder and returns it."""
