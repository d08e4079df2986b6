"""Face recognition: from an aligned face to an embedding."""

from faceresearch.models.recognizers.recognizer import FaceRecognizer, without_head

__all__ = ['FaceRecognizer', 'without_head']
