"""Recognises, imports, keeps and runs trained weights of the papers. Other rooms use `store`."""
