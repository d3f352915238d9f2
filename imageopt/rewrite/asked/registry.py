"""The transformations that are made only when asked for, in the order in which they are made.

Digests come last: another transformation may bring another image.
"""

from imageopt.rewrite.asked.distroless import DISTROLESS
from imageopt.rewrite.asked.headless_shell import HEADLESS_SHELL
from imageopt.rewrite.asked.laravel_caches import LARAVEL_CACHES
from imageopt.rewrite.asked.model import Asked
from imageopt.rewrite.asked.nx_prune import NX_PRUNE
from imageopt.rewrite.asked.php_alpine import PHP_ALPINE
from imageopt.rewrite.asked.pin_digests import PIN_DIGESTS
from imageopt.rewrite.asked.pnpm_deploy import PNPM_DEPLOY
from imageopt.rewrite.asked.prisma_engines import PRISMA_ENGINES
from imageopt.rewrite.asked.secret_mounts import SECRET_MOUNTS
from imageopt.rewrite.asked.system_browser import SYSTEM_BROWSER
from imageopt.rewrite.asked.trimmed_packages import TRIMMED_PACKAGES
from imageopt.rewrite.asked.turbo_prune import TURBO_PRUNE

ASKED: tuple[Asked, ...] = (
    SECRET_MOUNTS,
    TURBO_PRUNE,
    PNPM_DEPLOY,
    NX_PRUNE,
    SYSTEM_BROWSER,
    HEADLESS_SHELL,
    PRISMA_ENGINES,
    TRIMMED_PACKAGES,
    DISTROLESS,
    PHP_ALPINE,
    LARAVEL_CACHES,
    PIN_DIGESTS,
)
