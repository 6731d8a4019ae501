"""The deliveries of medicines once more: which will come later than they were scheduled."""
