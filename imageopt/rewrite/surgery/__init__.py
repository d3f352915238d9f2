"""The surgical way: the author's stages, names, comments and layout stay, and only what is worth it is edited."""
