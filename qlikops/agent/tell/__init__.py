"""Who hears what, in which words? Notifications, news, metrics and trends."""
