"""How a study went: the best so far, and what was in training when. May import our frames and views."""
