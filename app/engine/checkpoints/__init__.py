"""Recognises, imports, keeps and runs the papers' trained weights. Other rooms enter through `store`."""
