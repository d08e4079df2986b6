"""What is done with the faces of images: found, aligned, described, compared.

:class:`~faceresearch.analysis.analyzer.FaceAnalyzer` puts models together; it is exported by :mod:`faceresearch.apis`.
"""
