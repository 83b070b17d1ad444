"""Drawing people: skeletons on paper and skeletons that play in a page. Knows poses and masks, nothing of runs."""
