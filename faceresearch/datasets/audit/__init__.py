"""What is in a recognition set: long tails, doubtful labels, and what a training set shares with a test set."""
