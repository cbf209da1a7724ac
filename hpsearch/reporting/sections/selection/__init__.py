"""What the selection of the best does to its score: what could have been chosen, seeds, the final, more trials."""
