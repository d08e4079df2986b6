"""VGG-Face."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

SIZE = (224, 224)
#: Channels and convolutions of each stage (VGG-16).
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@MODELS.register_module()
class VGGFaceNet(BaseModule):
    """VGG-16; the embedding is what its second fully connected layer gives, after ReLU.

    Source: Parkhi et al., Deep face recognition, BMVC 2015, table 3.

    Args:
        embedding_size: D, the width of both fully connected layers.
        dropout: share of their values set to zero in training.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, embedding_size: int = 4096, dropout: float = 0.5, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        layers: list[nn.Module] = []
        channels = 3
        for width, depth in STAGES:
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.fc6 = nn.Linear(channels * 7 * 7, embedding_size)
        self.fc7 = nn.Linear(embedding_size, embedding_size)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, 224, 224) to embeddings (N, D), none of them negative.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, SIZE, 'VGGFaceNet')
        x = self.dropout(self.relu(self.fc6(self.features(x).flatten(1))))
        return self.relu(self.fc7(x))
