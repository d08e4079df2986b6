"""What other programs call: build a model, run it on images, train, test."""

from faceresearch.apis.model import inference, init_model
from faceresearch.apis.two_stage import Face, FacePipeline

__all__ = ['Face', 'FacePipeline', 'inference', 'init_model']
