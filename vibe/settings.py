"""Settings of the site: one file, everything from the environment, a heading per subject.

`bin/up` computes the environment (see launcher/); docker-compose.yml and .env.example list every variable.
"""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VIBE_HOME = Path(env.str("VIBE_HOME", str(BASE_DIR / ".vibe")))

# --- Site ---------------------------------------------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", False)
MAINTENANCE = env.bool("MAINTENANCE", False)
CSRF_FAILURE_VIEW = "vibe.problems.csrf_failure"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "vibe.urls"
ASGI_APPLICATION = "vibe.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
VERSION = "0.1.0"

# Signing in with GitHub or Google: on where both values are set.
SOCIAL = {
    name: {
        "client_id": env.str(f"{name.upper()}_CLIENT_ID", ""),
        "secret": env.str(f"{name.upper()}_CLIENT_SECRET", ""),
        "key": "",
    }
    for name in ("github", "google")
}

INSTALLED_APPS = [
    "vibe",
    "accounts",
    "usage",
    "projects",
    "agents",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    *(f"allauth.socialaccount.providers.{name}" for name in ("github", "google") if SOCIAL[name]["client_id"]),
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "csp",
]

MIDDLEWARE = [
    "vibe.traffic.counted",
    "vibe.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "vibe.sites.Sites",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "vibe.maintenance.Maintenance",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SignInLimits",
    "accounts.middleware.StaffFactor",
    # After what looks at who signed in; before what answers them.
    "vibe.looking_as.LookingAs",
    "accounts.middleware.PrivateAnswers",
    "accounts.middleware.WayBack",
    "vibe.problems.NotAllowed",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "vibe.context.site",
            ],
            "builtins": ["vibe.templatetags.icons"],
        },
    }
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Database -----------------------------------------------------------------------------------------------------
# A pool per process: a worker thread holds a connection only while a statement runs, never while it waits for a model.
DATABASES = {"default": env.db_url("DATABASE_URL")}
_POOL = {"min_size": 1, "max_size": env.int("DATABASE_POOL", 20), "timeout": 10}
# Behind a pooler in transaction mode (PgBouncer) nothing may outlive its transaction: neither cursors nor plans do.
DATABASE_POOLED = env.bool("DATABASE_POOLED", False)
# What the address asks for, such as ?sslmode=verify-full, stays.
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "pool": _POOL}
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLED

# --- Redis protocol: broker, live events, cache -------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "vibe.cache.Cache", "LOCATION": REDIS_URL, "OPTIONS": {"socket_timeout": 5}}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- Celery: a doorbell, never the truth --------------------------------------------------------------------------
# kombu wants redis+socket:// where redis-py says unix://.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
# Of itself kombu takes any certificate.
CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if REDIS_URL.startswith("rediss://") else False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Runs that one worker drives at once; they wait on models and sandboxes, so threads cost little (0.1 to 3 MB each).
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", 100)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # No copies in Redis of what a worker is at, to be delivered again an hour after it was killed: a run is found by
    # its lease within a minute, and who wanted a chore asks again. A worker that is told to stop gives back its own.
    "ack_emulation": False,
    # Who rings waits no longer for a broker that is away: the sweeper rings again.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Three queues: a chore never waits behind runs, nor behind what takes minutes and looks at apps with headless Chromium.
CELERY_TASK_DEFAULT_QUEUE = "chores"
CELERY_TASK_ROUTES = {
    "agents.tasks.run_agent": {"queue": "runs"},
    "agents.tasks.take_picture": {"queue": "pictures"},
    "agents.tasks.build_site": {"queue": "pictures"},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VIBE_HOME / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-runs": {"task": "agents.tasks.sweep", "schedule": 10.0},
    "stop-suspended": {"task": "agents.tasks.stop_suspended", "schedule": 3.0},
    "replace-sandboxes": {"task": "agents.tasks.replace_sandboxes", "schedule": 10.0},
    "keep-sites-up": {"task": "agents.tasks.keep_sites_up", "schedule": 15.0},
    "pause-idle-sandboxes": {"task": "agents.tasks.pause_idle_sandboxes", "schedule": 60.0},
    "purge-deleted": {"task": "agents.tasks.purge_deleted", "schedule": crontab(hour=3, minute=40)},
    "sweep-blobs": {"task": "projects.tasks.sweep_blobs", "schedule": crontab(hour=4, minute=20)},
    "recount-ledger": {"task": "usage.tasks.recount", "schedule": crontab(hour=3, minute=10)},
}

# --- Accounts -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "project-list"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
vars().update(env.email_url("EMAIL_URL", "consolemail://"))
# Whoever signs up waits for the mail server.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Vibe <vibe@localhost>")
# Where mail goes out an address has to be verified before anything is built; else its link stands in the web log.
MAIL_GOES_OUT = "smtp" in EMAIL_BACKEND  # type: ignore[name-defined]  # noqa: F821
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", "mandatory" if MAIL_GOES_OUT else "optional")
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
# Signing in, signing up and resetting are counted exactly, by accounts/middleware.py; allauth's are not exact.
_COUNTED = ("login", "login_failed", "signup", "reset_password", "reset_password_from_key", "reauthenticate")
ACCOUNT_RATE_LIMITS = dict.fromkeys(_COUNTED)
SIGN_INS_PER_MINUTE = env.int("SIGN_INS_PER_MINUTE", 30)
SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", 10)
# Proxies in front of the site: that many addresses at the end of X-Forwarded-For are believed.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 1 if env.bool("HTTPS", False) else 0)
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
# An account is never joined by an address alone, verified or not: its owner links it, signed in.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
SOCIALACCOUNT_STORE_TOKENS = False
_SCOPES: dict[str, dict[str, Any]] = {
    "github": {"SCOPE": ["user:email"], "OAUTH_PKCE_ENABLED": True},
    "google": {"SCOPE": ["profile", "email"], "OAUTH_PKCE_ENABLED": True},
}
SOCIALACCOUNT_PROVIDERS = {name: {**_SCOPES[name], "APPS": [app]} for name, app in SOCIAL.items() if app["client_id"]}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Vibe"
# Who types a code in the last moment of its half minute is late by one period (RFC 6238 §5.2).
MFA_TOTP_TOLERANCE = 1
MFA_ADAPTER = "accounts.mfa.MFAAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION != "mandatory"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not env.bool("HTTPS", False)
# Writing on every request when somebody was last seen would cost more than it tells.
USERSESSIONS_TRACK_ACTIVITY = False
# Secrets of the systems that may send events to /hooks/accounts/, the newest first; without any there is no such page.
WEBHOOK_SECRETS = env.list("WEBHOOK_SECRETS", default=[])

# --- Admin --------------------------------------------------------------------------------------------------------
ADMIN_PATH = env.str("ADMIN_PATH", "admin").strip("/")
# Staff need a second factor for the admin; only a site with DEBUG may go without.
ADMIN_MFA = env.bool("ADMIN_MFA", not DEBUG)

# --- Security -----------------------------------------------------------------------------------------------------
# Previews live on origins of their own; PREVIEW_DOMAIN may carry a port.
PREVIEW_DOMAIN = env.str("PREVIEW_DOMAIN", "localhost:8001")
# What the addresses of apps that are put online end in, maybe with a port; without it none can be.
SITES_DOMAIN = env.str("SITES_DOMAIN", "").lower()
if SITES_DOMAIN:
    ALLOWED_HOSTS.append(f".{SITES_DOMAIN.partition(':')[0]}")
HTTPS = env.bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "vibe_session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "vibe_csrf"
# Pages carry the token in their forms, so no script needs the cookie; messages wait in the session, not in a cookie.
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = HTTPS
# Asked from inside, past the proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Whether every name below this one speaks TLS, for years to come, is for the owner of the domain to say, not for us.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
_PREVIEWS = f"{'https' if HTTPS else 'http'}://*.{PREVIEW_DOMAIN}"
_FORMS = [
    *(["https://github.com"] if SOCIAL["github"]["client_id"] else []),
    *(["https://accounts.google.com"] if SOCIAL["google"]["client_id"] else []),
    *(["https://checkout.stripe.com", "https://billing.stripe.com"] if env.str("STRIPE_SECRET_KEY", "") else []),
]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [_PREVIEWS, *env.list("PREVIEW_ORIGINS", default=[])],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Browsers hold the redirects of a form to this as well.
        "form-action": [SELF, *_FORMS],
    },
}

# --- Static files -------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VIBE_HOME / "static"
# In an image all files were collected and compressed; else they are served from where they lie.
WHITENOISE_USE_FINDERS = not env.bool("STATIC_COLLECTED", False)
# There they may be bundled anew meanwhile, and a page would wait for the rest of what was longer at the start.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS

# --- REST API -----------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["vibe.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["vibe.throttles.PerMinute"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vibe.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_READS_PER_MINUTE = env.int("API_READS_PER_MINUTE", 1200)
API_WRITES_PER_MINUTE = env.int("API_WRITES_PER_MINUTE", 300)
SPECTACULAR_SETTINGS = {
    "TITLE": "Vibe",
    "VERSION": "v1",
    "DESCRIPTION": "From a prompt to a running web app. Errors are application/problem+json.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "vibe.api_docs.add_streams"],
    "ENUM_NAME_OVERRIDES": {
        "RunState": "agents.models.Run.State",
        "SandboxState": ["none", "running", "paused"],
        "PlanState": ["proposed", "approved"],
    },
}

# --- Outside parties: the model and the sandbox (official SDKs; the environment says who answers) -----------------
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", "")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "https://api.openai.com/v1")
GEMINI_API_KEY = env.str("GEMINI_API_KEY", "")
XAI_API_KEY = env.str("XAI_API_KEY", "")
OPENROUTER_API_KEY = env.str("OPENROUTER_API_KEY", "")
AI_GATEWAY_API_KEY = env.str("AI_GATEWAY_API_KEY", "")
AI_GATEWAY_BASE_URL = env.str("AI_GATEWAY_BASE_URL", "https://ai-gateway.vercel.sh/v1")
# Providers in whose place an address of the operator's answers. A user's own key would go there and not to the
# provider, so none is taken for them, unless OWN_KEYS_ELSEWHERE says that what is there passes it on.
_ASKED = {
    "anthropic": (ANTHROPIC_BASE_URL, "anthropic.com"),
    "openai": (OPENAI_BASE_URL, "openai.com"),
    "gateway": (AI_GATEWAY_BASE_URL, "vercel.sh"),
}
NO_OWN_KEYS = [
    name
    for name, (address, provider) in _ASKED.items()
    if not f".{urlsplit(address).hostname}".endswith(f".{provider}") and not env.bool("OWN_KEYS_ELSEWHERE", False)
]
# Where archives of repositories are that people import, and the REST API for pushes.
GITHUB_ARCHIVES_BASE_URL = env.str("GITHUB_ARCHIVES_BASE_URL", "https://codeload.github.com").rstrip("/")
GITHUB_API_BASE_URL = env.str("GITHUB_API_BASE_URL", "https://api.github.com").rstrip("/")
# The REST API that frames of designs are read from, and where it keeps the pictures that it makes of them.
FIGMA_API_BASE_URL = env.str("FIGMA_API_BASE_URL", "https://api.figma.com").rstrip("/")
FIGMA_IMAGES_BASE_URL = env.str("FIGMA_IMAGES_BASE_URL", "https://figma-alpha-api.s3.us-west-2.amazonaws.com").rstrip(
    "/"
)
# Also MCP servers on this machine and its network, and by http: where those who sign in may reach what is there.
MCP_LOCAL = env.bool("MCP_LOCAL", False)
# PROVIDER:MODEL behind Vibe-S, -M and -L; empty: agents/llm/providers.py chooses by the keys there are.
MODEL_CHOICES = [env.str(f"MODEL_{size}", "") for size in "SML"]
# What the badges on the pages say; nothing else depends on it.
LLM_IS_DEMO = env.bool("LLM_IS_DEMO", False)
SANDBOX_IS_EMBEDDED = env.bool("SANDBOX_IS_EMBEDDED", False)
E2B_API_KEY = env.str("E2B_API_KEY", "")
E2B_DOMAIN = env.str("E2B_DOMAIN", "")
E2B_API_URL = env.str("E2B_API_URL", "")
E2B_SANDBOX_URL = env.str("E2B_SANDBOX_URL", "")
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEY", default=[])

# --- Pictures: headless Chromium looks at previews, where there is one --------------------------------------------
CHROMIUM = env.str("CHROMIUM", "")  # its path; empty: looked for in PATH
# Without its own sandbox a page that breaks it is this user on this machine: only where it is closed in by other means.
CHROMIUM_SANDBOX = env.bool("CHROMIUM_SANDBOX", True)

# --- Runs ---------------------------------------------------------------------------------------------------------
LEASE_SECONDS = env.int("LEASE_SECONDS", 30)
HEARTBEAT_SECONDS = env.int("HEARTBEAT_SECONDS", 10)
# Where a prompt names no framework and the model that is asked is unsure or gives no answer.
DEFAULT_FRAMEWORK = env.str("DEFAULT_FRAMEWORK", "nextjs")
RUN_MAX_TURNS = env.int("RUN_MAX_TURNS", 40)
RUN_MAX_SECONDS = env.int("RUN_MAX_SECONDS", 20 * 60)
RUNS_PER_USER = env.int("RUNS_PER_USER", 3)
RUN_MAX_TOKENS = env.int("RUN_MAX_TOKENS", 4_000_000)  # read and written, from the cache too
RUN_MAX_FIX_ROUNDS = 2
RUN_MAX_REVIEW_ROUNDS = 2
# One call in all; until its first event; between two events.
MODEL_CALL_SECONDS = env.int("MODEL_CALL_SECONDS", 300)
MODEL_FIRST_SECONDS = env.int("MODEL_FIRST_SECONDS", 120)
MODEL_STALL_SECONDS = env.int("MODEL_STALL_SECONDS", 60)
BUILD_SECONDS = 120
SANDBOX_TIMEOUT_SECONDS = env.int("SANDBOX_TIMEOUT_SECONDS", 3600)
SANDBOX_IDLE_SECONDS = env.int("SANDBOX_IDLE_SECONDS", 15 * 60)
PROMPT_MAX_CHARS = 20_000

# --- Credits (micro-credits: 1 credit = 1 000 000) ----------------------------------------------------------------
MICRO = 1_000_000
SIGNUP_CREDITS = env.int("SIGNUP_CREDITS", 25)
RUN_RESERVE_MICRO = MICRO
# Credits per UTC day (at most so many in a calendar month), and at the beginning of each of the plan's months.
PLANS: dict[str, dict[str, Any]] = {
    "free": {
        "title": "Free",
        "blurb": "To try things out.",
        "daily": env.int("FREE_DAILY_CREDITS", 5),
        "daily_most": env.int("FREE_MONTHLY_CREDITS", 30),
        "monthly": 0,
        "price": "free",
    },
    "pro": {
        "title": "Pro",
        "blurb": "For people who build every week.",
        "daily": 0,
        "daily_most": 0,
        "monthly": env.int("PRO_MONTHLY_CREDITS", 100),
        "price": env.str("PRO_PRICE", "25 USD a month"),
        "stripe_price": env.str("STRIPE_PRICE_PRO", ""),
    },
    "team": {
        "title": "Team",
        "blurb": "For a handful of people on one account.",
        "daily": 0,
        "daily_most": 0,
        "monthly": env.int("TEAM_MONTHLY_CREDITS", 500),
        "price": env.str("TEAM_PRICE", "100 USD a month"),
        "stripe_price": env.str("STRIPE_PRICE_TEAM", ""),
    },
}
# Runs a user may undo for their money back in 24 hours: more would be a way to build for nothing.
REFUNDS_PER_DAY = env.int("REFUNDS_PER_DAY", 5)

# --- Payments: Stripe, when its key is set ------------------------------------------------------------------------
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRET", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_PRICE_TOPUP = env.str("STRIPE_PRICE_TOPUP", "")
TOPUP_CREDITS = env.int("TOPUP_CREDITS", 50)
TOPUP_PRICE = env.str("TOPUP_PRICE", "15 USD")

# --- Observability ------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    import sentry_sdk

    from vibe.logs import scrub

    sentry_sdk.init(
        SENTRY_DSN,
        environment=env.str("SENTRY_ENVIRONMENT", "production"),
        release=VERSION,
        traces_sample_rate=env.float("SENTRY_TRACES", 0.1),
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=scrub,
        before_send_transaction=scrub,
    )

LOG_FORMAT = env.str("LOG_FORMAT", "line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"about": {"()": "vibe.logs.About"}},
    "formatters": {
        "line": {"()": "vibe.logs.Line", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "vibe.logs.Json"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "line",
            "filters": ["about"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    # SDKs log every request at INFO; runs have their own log.
    "loggers": {name: {"level": "WARNING"} for name in ("httpx", "httpx2", "httpcore", "e2b", "anthropic")},
}
