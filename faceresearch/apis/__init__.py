"""What other programs call: build a model, run it on images, train, test."""

from faceresearch.apis.model import inference, init_model

__all__ = ['inference', 'init_model']
