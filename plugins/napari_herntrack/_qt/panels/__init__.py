"""The panels beside the views: the worklist, and everything that is said of a visit."""
