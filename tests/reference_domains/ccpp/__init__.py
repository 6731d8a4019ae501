"""Full-load hours of a combined cycle power plant: how much power it gives."""
