"""The second engine: pysnmp, for what our own does not speak, and as the witness of what it does.

pysnmp runs on asyncio, so the daemon must run on the asyncio reactor. It costs a hundred times the CPU of our own
engine. It does not look at the address that an answer comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec import Struct
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from collectors.framework.snmp import ber
from collectors.framework.snmp.address import resolve
from collectors.framework.snmp.asking import Reply, Request
from collectors.framework.snmp.errors import BadAnswer, SnmpAuthError, SnmpError, SnmpTimeout, endpoint, oids_text
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.messages import PduType
from collectors.framework.snmp.prints import Comparing
from collectors.framework.snmp.rows import Cursor, Indexes
from collectors.framework.snmp.security import check_user
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpVersion

AUTH = {
    AuthProtocol.NONE: hlapi.USM_AUTH_NONE,
    AuthProtocol.MD5: hlapi.USM_AUTH_HMAC96_MD5,
    AuthProtocol.SHA1: hlapi.USM_AUTH_HMAC96_SHA,
    AuthProtocol.SHA224: hlapi.USM_AUTH_HMAC128_SHA224,
    AuthProtocol.SHA256: hlapi.USM_AUTH_HMAC192_SHA256,
    AuthProtocol.SHA384: hlapi.USM_AUTH_HMAC256_SHA384,
    AuthProtocol.SHA512: hlapi.USM_AUTH_HMAC384_SHA512,
}
PRIV = {
    PrivProtocol.NONE: hlapi.USM_PRIV_NONE,
    PrivProtocol.DES: hlapi.USM_PRIV_CBC56_DES,
    PrivProtocol.AES128: hlapi.USM_PRIV_CFB128_AES,
    PrivProtocol.AES192: hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    PrivProtocol.AES256: hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
}
REFUSALS = (
    errind.AuthenticationError,
    errind.AuthenticationFailure,
    errind.DecryptionError,
    errind.NotInTimeWindow,
    errind.UnknownSecurityName,
    errind.UnknownUserName,
    errind.UnsupportedAuthProtocol,
    errind.UnsupportedPrivProtocol,
    errind.UnsupportedSecurityLevel,
    errind.WrongDigest,
)
TYPICAL_VARBIND_BYTES = 40


class Varbinds(Struct, frozen=True):
    """An answer that pysnmp has decoded; see `Reply`."""

    status: int
    index: int
    found: list[tuple[Oid, int, SnmpValue]]
    tries: int = 1

    @property
    def size_bytes(self) -> int:
        """See Reply."""
        return TYPICAL_VARBIND_BYTES * len(self.found)

    def take(
        self,
        cursors: Sequence[Cursor],
        indexes: Indexes,  # noqa: ARG002  pysnmp has built the OIDs
        against: Comparing | None = None,  # noqa: ARG002  and kept no bytes
    ) -> int:
        """See Reply."""
        for count, (oid, tag, value) in enumerate(self.found):
            if not count % len(cursors) and all(cursor.done for cursor in cursors):
                return count
            cursors[count % len(cursors)].take(oid, tag, value)
        return len(self.found)

    def varbinds(self) -> list[tuple[Oid, int, SnmpValue]]:
        """See Reply."""
        return self.found

    def split(self, count: int) -> tuple[list[tuple[Oid, int, SnmpValue]], Reply]:
        """See Reply."""
        if len(self.found) < count:
            raise BadAnswer("fewer varbinds than were asked for")
        return self.found[:count], Varbinds(self.status, self.index, self.found[count:], self.tries)


class PysnmpExchange:
    """Asks one agent through pysnmp, with an engine and a socket of its own."""

    def __init__(
        self, host: str, config: SnmpConfig, reactor: Any, clock: IReactorTime, learn: Callable[[str, str], object]
    ) -> None:
        if config.version is SnmpVersion.V3:
            check_user(config)
        self.agent = endpoint(host, config.port)
        self._host = host
        self._config = config
        self._reactor = reactor
        self._clock = clock
        self._learn = learn
        self._engine: Any = None
        self._target: Any = None
        self._closed = False

    async def ask(self, request: Request) -> Reply:
        """See Asker."""
        if self._closed:
            raise SnmpTimeout("The SNMP client was closed.")
        address = await resolve(self._reactor, self._clock, self._host)
        self._learn(self._host, address)
        loop = self._reactor._asyncioEventloop  # noqa: SLF001  Twisted offers no other way to the loop
        return await Deferred.fromFuture(asyncio.ensure_future(self._ask(address, request), loop=loop))

    def close(self) -> None:
        """See Asker."""
        self._closed = True
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close_dispatcher()

    async def _ask(self, address: str, request: Request) -> Varbinds:
        config = self._config
        if self._engine is None:
            self._engine = hlapi.SnmpEngine()
            kind = hlapi.Udp6TransportTarget if ":" in address else hlapi.UdpTransportTarget
            self._target = await kind.create((address, config.port), timeout=config.timeout_s, retries=config.retries)
        retries = config.retries if request.retries is None else min(request.retries, config.retries)
        most_s = 2 * (1 + retries) * config.timeout_s + 1  # pysnmp's own timers are coarse, and v3 asks twice
        try:
            answer = await asyncio.wait_for(self._command(request), most_s)
        except TimeoutError:
            raise self._timeout(request) from None
        except (PySnmpError, PyAsn1Error) as error:
            raise SnmpError(f"pysnmp could not ask {self.agent} for {oids_text(request.asked)}: {error}") from error
        indication, status, index, varbinds = answer
        if indication is not None:
            raise self._error(indication, request)
        return Varbinds(int(status), int(index), [plain(name, value) for name, value in varbinds])

    def _command(self, request: Request) -> Coroutine[Any, Any, Any]:
        commands: dict[PduType, Callable[..., Coroutine[Any, Any, Any]]] = {
            PduType.GET: hlapi.get_cmd,
            PduType.GETNEXT: hlapi.next_cmd,
            PduType.GETBULK: hlapi.bulk_cmd,
        }
        context = hlapi.ContextData(contextName=self._config.context.encode())
        numbers = (request.single, request.rows) if request.rows else ()
        objects = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in request.asked]
        return commands[request.kind](
            self._engine, self._credential(), self._target, context, *numbers, *objects, lookupMib=False
        )

    def _credential(self) -> Any:
        config = self._config
        if config.version is not SnmpVersion.V3:
            return hlapi.CommunityData(config.community, mpModel=0 if config.version is SnmpVersion.V1 else 1)
        return hlapi.UsmUserData(
            config.user,
            authKey=None if config.auth_protocol is AuthProtocol.NONE else config.auth_password,
            privKey=None if config.priv_protocol is PrivProtocol.NONE else config.priv_password,
            authProtocol=AUTH[config.auth_protocol],
            privProtocol=PRIV[config.priv_protocol],
        )

    def _timeout(self, request: Request) -> SnmpTimeout:
        config = self._config
        return SnmpTimeout(
            f"No answer from {self.agent} to SNMP v{config.version.value} {request.kind.name} of "
            f"{oids_text(request.asked)}, {1 + config.retries} tries of {config.timeout_s:g} s. Check that the agent "
            "runs, that UDP reaches it, and that it knows the community or user."
        )

    def _error(self, indication: Any, request: Request) -> SnmpError | SnmpTimeout | SnmpAuthError:
        if isinstance(indication, errind.RequestTimedOut):
            return self._timeout(request)
        config = self._config
        if isinstance(indication, REFUSALS):
            return SnmpAuthError(
                f"{self.agent} refuses user {config.user!r} with auth_protocol {config.auth_protocol.value} and "
                f"priv_protocol {config.priv_protocol.value}: {indication}. Check the user, passwords and protocols."
            )
        return SnmpError(
            f"{self.agent} gave pysnmp an answer that it refuses ({indication}) to {oids_text(request.asked)}."
        )


def plain(name: Any, value: Any) -> tuple[Oid, int, SnmpValue]:
    """OID, type and value of one of pysnmp's varbinds, as our own codec gives them."""
    oid = tuple(name)
    if isinstance(value, hlapi.EndOfMibView):
        return oid, ber.END_OF_MIB_VIEW, None
    if isinstance(value, hlapi.NoSuchObject | hlapi.NoSuchInstance):
        return oid, ber.NO_SUCH_OBJECT, None
    if isinstance(value, univ.ObjectIdentifier):
        return oid, ber.OBJECT_IDENTIFIER, tuple(value)
    if isinstance(value, hlapi.IpAddress):
        return oid, ber.IP_ADDRESS, ber.Address(value.asOctets())
    if isinstance(value, univ.OctetString):
        return oid, ber.OCTET_STRING, value.asOctets()
    if isinstance(value, univ.Null):
        return oid, ber.NULL, None
    return oid, ber.INTEGER, int(value)
