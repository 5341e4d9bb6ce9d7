"""A patient's levels: proposed, confirmed by a person, carried to every visit."""
