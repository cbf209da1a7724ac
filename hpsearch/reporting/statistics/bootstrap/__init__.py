"""The bootstrap of validation samples: bags of them, and the trials that are chosen from on each."""
