"""The papers' metrics and protocols."""

# Metrics of the papers that need a feature network the user may import: name -> what it needs.
NEEDS_IMPORT = {
    "fid": "an Inception or ArcFace feature network",
    "fvd": "an I3D feature network",
    "mmd2": "an ArcFace feature network",
    "csim": "an ArcFace feature network",
    "lpips": "an LPIPS network",
    "au_h": "OpenFace's action-unit detector",
}
