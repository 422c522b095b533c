"""Where the rules meet the world."""
