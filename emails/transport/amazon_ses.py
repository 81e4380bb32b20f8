"""Amazon SES over its HTTP API: django-anymail's message, signed by botocore (Signature Version 4), sent by requests.

So it goes through the same guarded session as every other ESP, with the mailbox's own keys and nothing of the machine.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from anymail.backends.amazon_ses import AmazonSESV2SendEmailPayload
from anymail.backends.base_requests import AnymailRequestsBackend
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_PATH = "/v2/email/outbound-emails"


def sign_request(
    url: str, body: bytes, headers: dict[str, str], keys: Credentials, region: str, service: str = "ses"
) -> dict[str, str]:
    """The headers of a POST with those of its signature, made at this moment."""
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    SigV4Auth(keys, service, region).add_auth(request)
    return dict(request.headers.items())


class EmailBackend(AnymailRequestsBackend):
    """Sends by SendEmail of SES v2. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html"""

    esp_name = "Amazon SES"
    message_tag_name = None

    def __init__(
        self,
        *,
        aws_access_key_id: str,
        aws_secret_access_key: str,
        region_name: str,
        aws_session_token: str | None = None,
        endpoint_url: str = "",
        configuration_set_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._keys = Credentials(aws_access_key_id, aws_secret_access_key, aws_session_token)
        self._region = region_name
        self.configuration_set_name = configuration_set_name
        domain = "amazonaws.com.cn" if region_name.startswith("cn-") else "amazonaws.com"
        base = (endpoint_url or f"https://email.{region_name}.{domain}").rstrip("/")
        super().__init__(f"{base}{_PATH}", **kwargs)

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        return AmazonSESV2SendEmailPayload(message, defaults, self)

    def post_to_esp(self, payload: Any, message: Any) -> Any:
        payload.finalize_payload()
        return super().post_to_esp(_SignedPayload(self, payload.params), message)

    def sign(self, body: bytes) -> dict[str, str]:
        return sign_request(self.api_url, body, {"Content-Type": "application/json"}, self._keys, self._region)

    def parse_recipient_status(self, response: Any, payload: Any, message: Any) -> Any:
        return payload.parse_recipient_status(self.deserialize_json_response(response, payload, message))


class _SignedPayload:
    """What `AnymailRequestsBackend` asks a payload for, of a message that is ready."""

    def __init__(self, backend: EmailBackend, params: dict[str, Any]) -> None:
        self._backend = backend
        self._params = params

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        body = json.dumps(self._params, default=_encode).encode()
        return {"method": "POST", "url": api_url, "data": body, "headers": self._backend.sign(body)}


def _encode(value: Any) -> str:
    """The message itself, which the API takes in Base64."""
    return b64encode(value).decode()
