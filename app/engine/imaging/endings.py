"""Which file endings Mien takes for pictures and for clips, in one place for every dialog and folder."""

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")
CLIPS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
