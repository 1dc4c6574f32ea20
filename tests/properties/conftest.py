"""Laws about the conformance corpus's documents are for machines that have it."""

from tests.corpus.passing import corpus_folder

OF_CORPUS = ["test_acceptance.py", "test_rendering.py"]
collect_ignore = [] if corpus_folder() else OF_CORPUS
