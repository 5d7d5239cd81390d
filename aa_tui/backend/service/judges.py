"""The model that judges for a project and the roads to it: choice, keys, local servers, a check. Judges nothing.

A key goes from a person's hand into the environment, the keyring or a file of mode 0600, and from there into a request;
here only its source is known to anybody. Which program the provider `command` runs is a setting of this machine alone:
whoever may write a project must not thereby run programs.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import JUDGE, MODEL_USE, ModelUse, ScoringTerms
from aa_tui.backend.query.readmodels import JudgeView, KeyState, ProviderRow
from aa_tui.backend.service import journal
from aa_tui.backend.service.permissions import Permission
from aa_tui.backend.support.errors import ConfigError, UsageError
from aa_tui.backend.support.settings import Settings, load_settings_light

if TYPE_CHECKING:
    from aa_tui.backend.judging.providers.check import CheckReport
    from aa_tui.backend.judging.providers.local import LocalServer
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.backend.support.cancel import CancelToken


class JudgeService:
    """What a door can ask of a project's judge. Only `check` calls a model.

    Providers, local servers and keys are this machine's: they need no project.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._ws = workspace

    # --- looking ---------------------------------------------------------------------------------------------------

    def choice(self) -> tuple[ModelChoice | None, str]:
        """Return the model that judges for the project, and who says so: `project`, `settings` of this machine, or
        nobody (empty)."""
        self._ws.reread()
        chosen = ScoringTerms.of(self._ws.project.settings).choice
        if chosen is not None:
            return chosen, "project"
        ours = machine_choice(load_settings_light().values)
        return ours, "settings" if ours is not None else ""

    def view(self) -> JudgeView:
        """Return the project's judge and what is known of it; looks for a key, so call it off the UI's loop."""
        choice, origin = self.choice()
        return self.view_of(choice, origin)

    def view_of(self, choice: ModelChoice | None, origin: str = "") -> JudgeView:
        """Return what is known of a choice that need not be set: address, key, price, why it cannot be used."""
        from aa_tui.backend.judging.prices import price
        from aa_tui.backend.runs.roads import destination_of, free, problem_of, title_of

        use = ScoringTerms.of(self._ws.project.settings).use
        if choice is None:
            return JudgeView(None, origin, use, "", "", False, KeyState(needed=False), False, "No model is chosen.")
        problem = problem_of(use, choice)
        key = KeyState(needed=False)
        address = ""
        try:
            address = destination_of(choice).address
            key = key_state(choice)
        except ConfigError as error:
            problem = problem or str(error)
        if choice.provider == "command":
            argv = machine_command()
            address = argv[0] if argv else ""
            problem = problem or (None if argv else "No command is set on this machine (`judge_command`).")
        if problem is None and key.missing:
            problem = "There is no key."
        return JudgeView(
            choice=choice,
            origin=origin,
            use=use,
            provider_title=title_of(choice),
            address=address,
            local=free(choice),
            key=key,
            priced=price(choice, 1_000, 1_000) is not None,
            problem=problem,
        )

    @staticmethod
    def providers() -> tuple[ProviderRow, ...]:
        """Return every provider there is, local ones first, and whether a key is at hand. May ask the keyring."""
        from aa_tui.backend.judging.providers import PROVIDERS
        from aa_tui.backend.judging.providers.keys import variables_of

        found = []
        for kind in PROVIDERS.values():
            try:
                key = key_state(ModelChoice(kind.id, ""))
            except ConfigError:
                key = KeyState(needed=kind.needs_key)
            found.append(
                ProviderRow(
                    kind.id,
                    kind.title,
                    kind.road,
                    kind.base_url,
                    kind.local,
                    key,
                    variables_of(kind.id) if kind.needs_key else (),
                    kind.note,
                )
            )
        return tuple(found)

    @staticmethod
    def discover(timeout_s: float = 0.5, token: CancelToken | None = None) -> tuple[LocalServer, ...]:
        """Look for model servers on this machine; return those that answer, with their models. Blocks.

        Raises:
            Cancelled: the token was cancelled.
        """
        from aa_tui.backend.judging.providers.local import discover
        from aa_tui.backend.service.loops import run_to_end

        return tuple(run_to_end(lambda: discover(timeout_s), token))

    # --- deciding --------------------------------------------------------------------------------------------------

    def set(self, choice: ModelChoice | None) -> JudgeView:
        """Choose the project's judge; None takes the choice back. Journaled, can be undone.

        It gives no consent: model scoring of closed sessions waits until somebody agrees to this very model.

        Raises:
            UsageError: there is no such provider, the address is not usable, or the project's use of models forbids it.
            Forbidden: the actor may not administer the project.
        """
        if choice is not None:
            self.check_choice(choice)
        self._decide("choose judge", JUDGE, None if choice is None else choice.document())
        return self.view()

    def check_choice(self, choice: ModelChoice) -> None:
        """Say whether a choice could be set.

        Raises:
            UsageError: not, and why.
        """
        from aa_tui.backend.judging.providers import address_of, kind_of
        from aa_tui.backend.judging.providers.addresses import parsed
        from aa_tui.backend.runs.roads import problem_of

        kind = kind_of(choice.provider)
        if not choice.model.strip():
            raise UsageError("A judge needs a model.", "Name it as its server does.")
        address = address_of(choice)
        if address:
            parsed(address)
        elif kind.id in ("compatible", "azure"):
            raise UsageError(f"{kind.title} needs an address.", kind.note)
        problem = problem_of(ScoringTerms.of(self._ws.project.settings).use, choice)
        if problem is not None:
            raise UsageError(problem, "An admin can change the project's use of models.")

    def set_use(self, use: ModelUse) -> JudgeView:
        """Let the project use any model, those of this machine only, or none at all. Journaled, can be undone.

        Raises:
            Forbidden: the actor may not administer the project.
        """
        self._decide("set model use", MODEL_USE, None if use is ModelUse.ON else use.value)
        return self.view()

    # --- keys ------------------------------------------------------------------------------------------------------

    @staticmethod
    def set_key(key: str, choice: ModelChoice, place: str = "") -> KeyState:
        """Keep the key of a choice's address: in the keyring where a real one works, else in a file of mode 0600.

        Keys are the person's, not the project's: nothing of it is stored or journaled.

        Args:
            choice: its provider and address say which account the key belongs to.
            place: `keyring` or `file`; empty: whatever is best.

        Raises:
            ConfigError: it cannot be a key, or cannot be kept there.
        """
        from aa_tui.backend.judging.providers.keys import Secret, store_key

        store_key(choice.provider, Secret(key), choice.base_url, model=choice.model, place=place)
        return key_state(choice)

    @staticmethod
    def forget_key(choice: ModelChoice) -> bool:
        """Forget the kept key of a choice's address; return whether there was one. A variable's is not ours to forget.

        Raises:
            ConfigError: the key file cannot be used.
        """
        from aa_tui.backend.judging.providers.keys import forget_key

        return forget_key(choice.provider, choice.base_url, model=choice.model)

    @staticmethod
    def key_of(choice: ModelChoice) -> KeyState:
        """Return whether there is a key for a choice's address, and from where. May ask the keyring.

        Raises:
            ConfigError: the provider is unknown, or the key file may be read by others.
        """
        return key_state(choice)

    # --- calling ---------------------------------------------------------------------------------------------------

    def check(self, choice: ModelChoice | None = None, token: CancelToken | None = None) -> CheckReport:
        """Spend one tiny call to find out whether a model can judge. CALLS THE MODEL. Blocks.

        No text of the project is sent, so nobody has to agree; what it cost is written down as spent on a check.

        Raises:
            UsageError: no model is chosen, or the project does not allow it.
            Forbidden: the actor may not run evaluators.
            Cancelled: the token was cancelled.
        """
        from aa_tui.backend.runs.roads import problem_of
        from aa_tui.backend.service import trying

        self._ws.actor.require(Permission.MANAGE_INACTIVE_EVALS)
        chosen = choice or self.choice()[0]
        if chosen is None:
            raise UsageError("No model is chosen.", "`aa-tui judge set PROVIDER MODEL` chooses one.")
        use = ScoringTerms.of(self._ws.project.settings).use
        problem = problem_of(use, chosen)
        if problem is not None:
            raise UsageError(problem, "An admin can change the project's use of models.")
        return trying.check(self._ws, chosen, use, token)

    def _decide(self, action: str, key: str, value: object) -> None:
        with self._ws.store.write(durable=True) as tx:
            journal.decide(
                tx,
                self._ws.project.id,
                self._ws.clock.now_ms(),
                self._ws.actor,
                Permission.ADMINISTER,
                action,
                key,
                "setting",
                {"key": key},
                None if value is None else {"value": value},
            )
        self._ws.reread()


def machine_choice(settings: Settings) -> ModelChoice | None:
    """Return the judge that this machine's settings name for projects that chose none, or None."""
    if not settings.judge_provider or not (settings.judge_model or settings.judge_provider == "command"):
        return None
    return ModelChoice(
        settings.judge_provider, settings.judge_model or settings.judge_provider, settings.judge_base_url or ""
    )


def machine_command() -> Sequence[str]:
    """Return the argument vector of the provider `command`, from this machine's settings; empty without one.

    Raises:
        ConfigError: its quotes do not match.
    """
    text = load_settings_light().values.judge_command or ""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"judge_command cannot be read: {error}.", "Mind its quotes.") from None


def key_state(choice: ModelChoice) -> KeyState:
    """Return whether there is a key for a choice's address.

    Raises:
        ConfigError: the provider is unknown, the address not well-formed, or the key file may be read by others.
    """
    from aa_tui.backend.judging.providers import kind_of
    from aa_tui.backend.judging.providers.keys import find_key

    kind = kind_of(choice.provider)
    needed = kind.needs_key and choice.base_url in ("", kind.base_url)
    found = find_key(choice.provider, choice.base_url, model=choice.model)
    return KeyState(needed=needed) if found is None else KeyState(found.origin, found.masked, needed)
