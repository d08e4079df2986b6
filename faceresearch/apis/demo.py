"""A web page on this machine to try a model on: an image or the camera in, the drawn picture and JSON out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceresearch.errors import UserError

if TYPE_CHECKING:
    import gradio

#: Only this machine can reach the page.
HOST = '127.0.0.1'
#: Files larger than this are refused before they are read, images of more pixels before they are decoded.
MAX_UPLOAD = 32 * 2**20
MAX_PIXELS = 48 * 10**6
#: Lowest threshold of scores that can be chosen on the page.
_LOWEST = 0.05
#: Nothing is fetched from elsewhere, whatever gradio's page or an answer asks for.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:;"
    " worker-src 'self' blob:; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
#: From the path of an image and a threshold to the drawn picture (H, W, 3) RGB, values, and a line that says what was found.
Answer = Callable[['str | None', float], 'tuple[np.ndarray | None, dict[str, Any] | None, str]']


def run_demo(
    config: str | Path,
    checkpoint: str | Path,
    overrides: Sequence[str] = (),
    detector: tuple[str | Path, str | Path] | None = None,
    others: Sequence[tuple[str | Path, str | Path]] = (),
    score_thr: float = 0.5,
    device: str | None = None,
    port: int = 7860,
    block: bool = True,
) -> gradio.Blocks:
    """Serve the page until it is interrupted.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        overrides: changes to the config, ``KEY=VALUE``.
        detector: config and checkpoint of a detector that finds the faces which the model then looks at.
        others: configs and checkpoints of further models that look at each face; without ``detector`` the first model
            finds the faces.
        score_thr: the page starts with this threshold of scores.
        device: torch device; a GPU where there is one, by default.
        port: of the page.
        block: return only when the page is closed.

    Returns:
        The page, already closed if ``block``.

    Raises:
        UserError: gradio is missing, a model cannot be used, or the port is taken.
    """
    if find_spec('gradio') is None:
        raise UserError('the demo page needs gradio: pip install --no-deps -r requirements/demo.txt (docs/install.md)')
    if not _LOWEST <= score_thr <= 1:
        raise UserError(f'--score-thr {score_thr}: on the page a score is between {_LOWEST} and 1')
    if not 0 < port < 2**16:
        raise UserError(f'--port {port}: a port is between 1 and {2**16 - 1}')
    answer = build_answer(config, checkpoint, overrides, detector, others, device)
    _keep_offline()
    page = build_page(answer, f'{Path(config).stem} · faceresearch', score_thr)
    return _serve(page, port, block)


def build_answer(
    config: str | Path,
    checkpoint: str | Path,
    overrides: Sequence[str] = (),
    detector: tuple[str | Path, str | Path] | None = None,
    others: Sequence[tuple[str | Path, str | Path]] = (),
    device: str | None = None,
) -> Answer:
    """Return the function behind the page: it loads the models once, and says what is wrong with an image in words.

    Raises:
        UserError: a model cannot be used.
    """
    from torch import nn

    from faceresearch.analysis.finder import threshold_of_head
    from faceresearch.apis.infer import load_models, predict_and_draw
    from faceresearch.apis.infer_tasks import analyze_and_draw
    from faceresearch.visualization.predictions import Drawn

    loaded = load_models(config, checkpoint, overrides, device, detector, others)

    def predict(image: np.ndarray, score_thr: float) -> Drawn:
        if isinstance(loaded, nn.Module):
            with threshold_of_head(loaded, score_thr):
                return predict_and_draw(loaded, image, score_thr)
        # The page asks for one image at a time.
        loaded.finder.score_thr = score_thr
        return analyze_and_draw(loaded, image)

    def answer(path: str | None, score_thr: float) -> tuple[np.ndarray | None, dict[str, Any] | None, str]:
        if path is None:
            return None, None, 'Choose an image first: a file, the clipboard or the camera.'
        try:
            drawn = predict(_read(path), float(score_thr))
        except UserError as error:
            return None, None, f'**This does not work:** {_plain(str(error))}'
        return np.ascontiguousarray(drawn.picture[..., ::-1]), drawn.values, _summary(drawn.values)

    return answer


def build_page(answer: Answer, title: str, score_thr: float = 0.5) -> gradio.Blocks:
    """Return the page around a function.

    Args:
        answer: see :func:`build_answer`.
        title: of the page.
        score_thr: the threshold that it starts with.
    """
    import gradio as gr

    # What was uploaded is looked for and deleted every minute once it is ten minutes old.
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(60, 600)) as page:
        gr.Markdown(f'# {_plain(title)}')
        with gr.Row():
            with gr.Column():
                image = gr.Image(
                    type='filepath', sources=['upload', 'webcam', 'clipboard'], label='Image', elem_id='input'
                )
                threshold = gr.Slider(
                    _LOWEST, 1, value=score_thr, step=0.01, label='Show scores from', elem_id='threshold'
                )
                button = gr.Button('Run', variant='primary', elem_id='run')
            with gr.Column():
                picture = gr.Image(
                    label='Result',
                    format='png',
                    interactive=False,
                    buttons=['download', 'fullscreen'],
                    elem_id='picture',
                )
                message = gr.Markdown('Images stay on this machine.', elem_id='message')
                values = gr.JSON(label='JSON', elem_id='values')
        # Hands the file over as it is: gradio would open it, and fail in its own words. (A subclass would have gradio write
        # a stub file beside this module.)
        image.preprocess = _path_of  # type: ignore[method-assign]  # see above
        gr.on([button.click, image.input], answer, [image, threshold], [picture, values, message], api_name='predict')
    return page


def _serve(page: gradio.Blocks, port: int, block: bool) -> gradio.Blocks:
    import gradio as gr
    from starlette.middleware import Middleware

    system = ['system-ui', 'sans-serif']
    try:
        page.launch(
            server_name=HOST,
            server_port=port,
            share=False,
            show_error=True,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=MAX_UPLOAD,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            theme=gr.themes.Default(primary_hue='blue', font=system, font_mono=['ui-monospace', 'monospace']),
            app_kwargs={'middleware': [Middleware(_PolicyHeader)], 'docs_url': None, 'redoc_url': None},
        )
    except OSError as error:
        raise UserError(f'--port {port}: cannot be used ({error}); choose another') from error
    print(f'http://{HOST}:{port}/  (Ctrl+C ends)', flush=True)
    if block:
        page.block_thread()
    return page


class _PolicyHeader:
    """Adds the content security policy to every answer."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(message: Any) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [*message['headers'], (b'content-security-policy', _POLICY.encode())]
            await send(message)

        await self.app(scope, receive, with_policy if scope['type'] == 'http' else send)


def _keep_offline() -> None:
    """Have gradio ask nobody for anything, and keep uploads in a folder of this process's user alone."""
    for name, value in (
        ('GRADIO_ANALYTICS_ENABLED', 'False'),
        ('HF_HUB_OFFLINE', '1'),
        ('HF_HUB_DISABLE_TELEMETRY', '1'),
    ):
        os.environ[name] = value
    # It calls its own server at the start, and a proxy would answer instead.
    for name in ('no_proxy', 'NO_PROXY'):
        os.environ[name] = ','.join(part for part in (os.environ.get(name), HOST, 'localhost') if part)
    os.environ.setdefault('GRADIO_TEMP_DIR', tempfile.mkdtemp(prefix='faceresearch-demo-'))


def _read(path: str) -> np.ndarray:
    """Read an uploaded image.

    Raises:
        UserError: it is no image, damaged, or too large.
    """
    from faceresearch.datasets.base import BrokenImageError
    from faceresearch.transforms.loading import read_image

    name = Path(path).name
    try:
        if Path(path).stat().st_size > MAX_UPLOAD:
            raise UserError(f'{name}: files may have {MAX_UPLOAD // 2**20} MiB')
        image = read_image(path)
    except (BrokenImageError, OSError) as error:
        raise UserError(str(error).replace(str(path), name)) from error
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise UserError(f'{name}: {image.shape[1]} x {image.shape[0]} pixels are too many for this page')
    return image


def _path_of(payload: Any) -> str | None:
    """Return the path of what was uploaded."""
    return None if payload is None else payload.path


def _summary(values: dict[str, Any]) -> str:
    if 'faces' in values:
        count = len(values['faces'])
        return f'{count} face{"" if count == 1 else "s"} found.'
    return f'Predicted: {", ".join(map(str, values)) or "nothing"}.'


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is: file names are other people's."""
    return ''.join(f'&#{ord(c)};' if c in r'\`*_{}[]()<>#+!|~&$' else c for c in text)
