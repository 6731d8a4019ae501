"""How fast: races of Headrace against its peers and against the floor, each in processes of their own."""
