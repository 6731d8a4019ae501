"""Simulated card payments, a file a day; whether one was a fraud is known a week later."""
