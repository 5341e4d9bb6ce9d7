"""From points in an image to the mask of a herniated fragment, and from one visit to the next."""
