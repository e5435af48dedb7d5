"""Linkus on somebody's phone, which signs in with their Microsoft account."""

import base64
import hashlib
import http.cookies
import json
import secrets
import urllib.parse

from installation import APPLICATION


class Phone:
    def __init__(self, installation):
        self.installation = installation
        self._verifier = secrets.token_urlsafe(48)
        self._microsoft = self._cookies = self._code = None

    def sets_out(self):
        """Is led to Microsoft."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
        query = urllib.parse.urlencode({
            "connection": self.installation.connection, "redirect_uri": APPLICATION, "state": "of the app",
            "code_challenge": challenge, "code_challenge_method": "S256"})
        status, headers, text = self.installation.host.ask("GET", f"/login?{query}")
        assert status == 302, text
        self._microsoft = headers["location"]
        self._cookies = "; ".join(
            f"{name}={morsel.value}" for cookie in headers.get_all("set-cookie")
            for name, morsel in http.cookies.SimpleCookie(cookie).items())

    def comes_back(self, person):
        """Signs in there as this person and is led back, with a code for the app. The status of the way back."""
        back = self.installation.signed_in(self._microsoft, person).removeprefix(self.installation.host.origin)
        status, headers, _ = self.installation.host.ask("GET", back, headers={"cookie": self._cookies})
        if status == 302:
            sent = urllib.parse.parse_qs(urllib.parse.urlparse(headers["location"]).query)
            assert sent["state"] == ["of the app"], sent
            self._code = sent["code"][0]
        return status

    def exchanges_its_code(self):
        """Status and answer; the answer that signs the phone in is a secret."""
        form = urllib.parse.urlencode({
            "grant_type": "authorization_code", "code": self._code, "redirect_uri": APPLICATION,
            "code_verifier": self._verifier}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        status, _, text = self.installation.host.ask("POST", "/sso/token", form, kind)
        if status != 200:
            return status, text
        signed = json.loads(text)
        self.installation.secrets.append(signed["sign"])
        return status, signed
