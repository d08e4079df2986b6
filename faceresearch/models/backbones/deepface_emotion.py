"""The emotion network of serengil/deepface."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

SIZE = (48, 48)


@MODELS.register_module()
class DeepFaceEmotionNet(BaseModule):
    """Five convolutions and two fully connected layers on a grey face (N, 1, 48, 48), 0…1, to a feature (N, 1024).

    Nothing is padded: 48 → 44 → 20 → 18 → 16 → 7 → 5 → 3 → 1. Source: serengil/deepface models/demography/Emotion.py.

    Args:
        dropout: share of the values set to zero between the two fully connected layers in training.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    in_channels = 1
    embedding_size = 1024

    def __init__(self, dropout: float = 0.2, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 64, 5), nn.ReLU(inplace=True), nn.MaxPool2d(5, 2)),
            *(nn.Conv2d(64, 64, 3), nn.ReLU(inplace=True), nn.Conv2d(64, 64, 3), nn.ReLU(inplace=True)),
            nn.AvgPool2d(3, 2),
            *(nn.Conv2d(64, 128, 3), nn.ReLU(inplace=True), nn.Conv2d(128, 128, 3), nn.ReLU(inplace=True)),
            nn.AvgPool2d(3, 2),
        )
        self.fc1 = nn.Linear(128, self.embedding_size)
        self.fc2 = nn.Linear(self.embedding_size, self.embedding_size)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map grey images (N, 1, 48, 48) to features (N, 1024), none of them negative.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, SIZE, 'DeepFaceEmotionNet')
        x = self.dropout(self.relu(self.fc1(self.features(x).flatten(1))))
        return self.relu(self.fc2(x))
