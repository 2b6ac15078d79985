"""Networks and what comes with them: architectures, files, sources, sampling."""
