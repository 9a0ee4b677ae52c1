"""aws-sm: and azure-kv: references, through the real SDKs against the lab's AWS and Key Vault."""

import logging

import pytest

from trunkline._core.errors import Error
from trunkline.clouds.azure.vaults import Vaults
from trunkline.clouds.cloud import CloudError
from trunkline.config import ConfigError, load
from trunkline_lab.lab import VAULT, Lab
from trunkline_lab.world import FAST

MARKER = "pl4nted-M4rker-value"


@pytest.fixture(scope="module")
def lab():
    with Lab(pace=FAST) as running:
        yield running


@pytest.fixture
def config(lab):
    return load(lab.config)


@pytest.fixture
def loud(caplog):
    """Everything that any library logs, at its most talkative."""
    caplog.set_level(1)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("botocore", "boto3", "azure", "urllib3", "cohesivenet", "requests")):
            caplog.set_level(1, logger=name)
    return caplog


def test_aws_secrets_manager(config, loud):
    client = config.account("A").session.secrets_manager
    client.create_secret(Name="net/licence", SecretString=MARKER)
    client.create_secret(Name="net/site", SecretString=f'{{"psk": "{MARKER}", "port": 500}}')
    client.create_secret(Name="net/binary", SecretBinary=b"x")
    assert config.resolve("aws-sm:A/net/licence") == MARKER
    assert config.resolve("aws-sm:A/net/site#psk") == MARKER
    for reference, says in {
        "aws-sm:A/net/none": "Secrets Manager can't find the specified secret",
        "aws-sm:A2/net/licence": "Secrets Manager can't find the specified secret",  # another account's credentials
        "aws-sm:A/net/site#port": "has no text under 'port'",
        "aws-sm:A/net/licence#psk": "is no JSON object",
        "aws-sm:A/net/binary": "is binary",
        "aws-sm:B/net/licence": "of the cloud 'azure'",
        "aws-sm:A": "is incomplete",
        "aws-sm:A/net/site#": "is incomplete",
        "aws-sm:Z/net": "there is no account 'Z'",
    }.items():
        with pytest.raises(Error, match=says) as refused:
            config.resolve(reference)
        assert MARKER not in repr(refused.value) + str(refused.value.__context__) + str(refused.value.hint)
    assert MARKER not in loud.text
    assert loud.text  # the loggers are on


def test_without_the_hush_the_sdk_tells_all(config, loud):
    """The fault that the hush is there for."""
    from trunkline.clouds.aws import hush

    client = config.account("A").session.secrets_manager
    client.create_secret(Name="net/told", SecretString=MARKER)
    parsers = logging.getLogger("botocore.parsers")
    parsers.removeFilter(hush._HUSH)
    try:
        assert config.resolve("aws-sm:A/net/told") == MARKER
    finally:
        parsers.addFilter(hush._HUSH)
    assert MARKER in loud.text


def test_azure_key_vault(config, lab, loud):
    vault = config.account("B").clients.vault(VAULT)
    first = vault.set_secret("licence", "old")
    vault.set_secret("licence", MARKER)
    assert config.resolve(f"azure-kv:{VAULT}/licence") == MARKER
    assert config.resolve(f"azure-kv:{VAULT}/licence@{first.properties.version}") == "old"
    with pytest.raises(CloudError, match="SecretNotFound") as refused:
        config.resolve(f"azure-kv:{VAULT}/none")
    assert "read the secret none of the vault lab-vault" in str(refused.value)
    with pytest.raises(Error, match="which account reads this vault"):
        config.resolve("azure-kv:other-vault/licence")
    with pytest.raises(Error, match="malformed"):
        config.resolve("azure-kv:licence")
    assert f"GET {VAULT}/licence" in lab.azure.vaults.calls
    assert MARKER not in loud.text
    assert loud.text


def test_the_vaults_challenge_is_answered_and_a_stranger_is_not_let_in(lab):
    """Without a token 401 with a challenge; with another authority's certificate nothing is sent at all."""
    import ssl
    import urllib.error
    import urllib.request

    url = lab.azure.vaults.endpoint.replace("{vault}", VAULT) + "/secrets/licence?api-version=7.5"
    trusting = ssl.create_default_context(cadata=lab.azure.certificate.pem)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, context=trusting)
    assert refused.value.code == 401
    assert 'resource="https://vault.azure.net"' in refused.value.headers["WWW-Authenticate"]
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, context=ssl.create_default_context())


@pytest.mark.parametrize("endpoint", ["http://{vault}.example.org", "https://vault.example.org", "{vault}", "https://"])
def test_an_endpoint_that_is_none_is_refused(endpoint):
    with pytest.raises(Error, match="vault_endpoint"):
        Vaults.checked("B", endpoint, None)


def test_the_public_address_is_the_vaults_own():
    assert Vaults().client("net", object()).vault_url == "https://net.vault.azure.net"


@pytest.mark.parametrize(("reference", "fine"), [("aws-sm:A/x", True), ("azure-kv:v/x", True), ("hunter2", False)])
def test_the_configuration_takes_every_kind(lab, tmp_path, reference, fine):
    text = lab.config.read_text()
    line = next(each for each in text.splitlines() if each.startswith("keyset_token"))
    (tmp_path / "t.toml").write_text(text.replace(line, f'keyset_token = "{reference}"'))
    if fine:
        assert load(tmp_path / "t.toml").router["keyset_token"] == reference
    else:
        with pytest.raises(ConfigError, match="aws-sm:") as refused:
            load(tmp_path / "t.toml")
        assert "hunter2" not in str(refused.value)
