"""What happens to the tables when a run is killed, refused or torn: faults injected, then an oracle without Spark."""
