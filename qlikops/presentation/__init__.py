"""Domain values as rows, text and tone; shared by commands and console, so that they cannot disagree."""
