"""What is said before a decision is sent, and the receipt after."""
