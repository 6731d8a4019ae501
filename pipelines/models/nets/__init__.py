"""What families of nets share. Imports torch, so families import it inside their functions only."""
