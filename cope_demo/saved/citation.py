"""How to cite the method, as the ACL Anthology has it."""

BIBTEX = """@inproceedings{bu-etal-2025-personalized,
    title = "Personalized {LLM} Decoding via Contrasting Personal Preference",
    author = "Bu, Hyungjune and Jung, ChanJoo and Kang, Minjae and Kim, Jaehyung",
    booktitle = "Proceedings of the 2025 Conference on Empirical Methods in Natural Language Processing",
    month = nov,
    year = "2025",
    address = "Suzhou, China",
    publisher = "Association for Computational Linguistics",
    pages = "33946--33966",
    url = "https://aclanthology.org/2025.emnlp-main.1723/",
    note = "arXiv 2506.12109"
}
"""
