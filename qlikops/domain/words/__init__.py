"""Text, names, durations and addresses: from outside made harmless, from people understood."""
