"""How other workflow systems call what this language has: tables from their keys to ours.

The keys of the tables are spelt the way `normalised` spells them, so that `dependsOn`, `depends-on`
and `DependsOn` need one entry.
"""

from __future__ import annotations

import re


def normalised(key: str) -> str:
    """Spell a key in lower case with `_` between its words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]+", "_", key).lower()


def _table(**rows: str) -> dict[str, str]:
    return {theirs: ours.rstrip("_") for ours, row in rows.items() for theirs in row.split()}


# `with`, `from`, `import` and `finally` are words of Python: as names of arguments they end in `_`.
_NO_CONTAINER = "tasks run on this machine; start a container in `run`, as in `run: [docker, run, IMAGE, COMMAND]`"
_NO_MACHINE = "every task runs on this machine: remove it"
_ONE_LIST = "put the program and its arguments into one list: `run: [program, argument]`"
_IN_URL = "write it into the `url`, as in `url: https://example.com/items?page=2`"
_AT_THE_TOP = "name it at the top level: `secrets: [NAME]`"
_STATES = "say which end of a dependency is waited for: `depends_on: {NAME: any}`, or `ok`, `completed`, `failed`"

# What language.md has beyond this version. They are known words, so they get an answer of their own.
LATER = {
    "document": frozenset(("triggers", "policies")),
    "task": frozenset(("agent swarm monitor internal").split()),
    "defaults": frozenset(("join", "cache")),
    "compensate": frozenset(("wait", "approval", "group", "agent", "swarm", "internal", "workflow")),
}
LATER["template"] = LATER["task"]
LATER_ACTIONS = frozenset(("agent", "swarm", "monitor", "internal")) | LATER["compensate"]

_TASK = _table(
    depends_on="needs need depends dependencies deps requires require after run_after upstream wait_for prerequisites",
    when="if condition only_if run_if precondition preconditions",
    run="command cmd cmds commands script scripts exec execute sh bash shell_command entrypoint bash_command call",
    http="url uri request http_request webhook rest api fetch",
    python="function callable python_callable py module entry_point task_fn",
    timeout="timeout_minutes timeout_sec timeout_secs timeout_seconds timeout_ms active_deadline_seconds deadline "
    "execution_timeout time_limit max_time max_duration",
    retry="retries retry_count retry_limit max_retries num_retries retry_strategy retry_policy attempts max_attempts",
    on_failure="continue_on_error allow_failure continue_on ignore_error ignore_errors ignore_failure on_error "
    "fail_fast failure_policy",
    cwd="working_directory working_dir workdir work_dir dir directory chdir pwd",
    env="environment variables variable vars envs env_vars environment_variables",
    outputs="output produces publish results returns",
    success_when="success_condition success_if success_codes expect",
    with_="params parameters arguments kwargs op_kwargs inputs",
    stdin="input",
    tags="labels label tag",
    description="desc doc summary title comment help display_name",
    estimate="duration expected_duration estimated_duration eta",
    priority="priority_weight weight nice",
    shell="interpreter executable",
    grace="grace_period stop_grace_period kill_after termination_grace_period_seconds kill_timeout",
    for_each="with_items with_param with_sequence foreach loop for map fan_out items parallel",
    matrix="strategy",
    join="quorum min_success at_least",
    group="steps tasks jobs substeps subtasks sub_tasks children",
    wait="sleep delay pause_for wait_seconds sleep_seconds start_delay",
    cache="memoize task_cache skip_if_successful sources generates method status",
    compensate="rollback undo revert compensation on_rollback saga",
    approval="suspend manual pause approve manual_approval gate review",
    on_result="on_success on_completion next",
    idle_timeout="heartbeat_seconds heartbeat heartbeat_timeout no_output_timeout inactivity_timeout output_timeout",
    uses="pool pools pool_slots resource resources semaphore semaphores mutex lock locks synchronization "
    "resource_group concurrency_group queue",
)

_DOCUMENT = _table(
    tasks="jobs steps stages nodes dag pipeline states processes services job task workflow workflows do",
    unspool="version api_version dsl schema_version language",
    name="id title workflow_name",
    description="desc doc summary comment help",
    inputs="params parameters arguments args input vars_in",
    env="environment variables variable vars envs env_vars environment_variables",
    defaults="default default_args task_defaults",
    outputs="output results",
    triggers="on schedule schedules trigger events event cron watch",
    finally_="on_exit hooks handler_on after_script ensure always after_execution teardown cleanup post",
    templates="template task_templates handlers",
    import_="include includes imports extends uses",
    resources="pools pool semaphores mutexes queues locks mutex semaphore concurrency_groups rate_limits",
    secrets="secret credentials",
)

_RETRY = _table(
    max_attempts="attempts attempt max count limit times retries max_retries maximum_attempts stop_after_attempt",
    strategy="backoff policy type backoff_type retry_policy",
    delay="interval wait initial initial_delay initial_interval interval_seconds interval_sec delay_sec delay_seconds "
    "min_delay base_delay base backoff_seconds duration",
    max_delay="max_interval max_interval_sec max_interval_seconds max_wait cap max_backoff max_delay_seconds",
    on="when if retry_on retry_if on_exit_codes conditions only errors codes exit_codes exit_code",
    never="exclude except never_on not_on abort_on",
    max_elapsed="max_duration max_time timeout",
)

_SCHEMA = _table(
    enum="values options choices allowed one_of_values",
    minimum="min gte",
    maximum="max lte",
    exclusiveMinimum="gt",
    exclusiveMaximum="lt",
    pattern="regex regexp match matches",
    type="data_type kind",
    default="value initial default_value",
    description="desc doc help summary",
    items="item element elements",
    properties="fields members keys",
    examples="example",
)

_OUTPUT = _SCHEMA | _table(
    from_="source value_from read read_from",
    path="json_path pointer key jq select query parameter",
    max_bytes="limit max_size size",
)

RENAMES = {
    "document": _DOCUMENT,
    "task": _TASK,
    "template": {theirs: ours for theirs, ours in _TASK.items() if theirs != "inputs"}
    | _table(inputs="params parameters arguments args kwargs op_kwargs input"),
    "compensate": {
        theirs: ours
        for theirs, ours in _TASK.items()
        if ours in ("run", "python", "http", "shell", "stdin", "with", "env", "cwd", "timeout", "retry", "uses")
    },
    "group": _table(
        tasks="steps jobs nodes stages children members subtasks do",
        mode="type order strategy execution run_mode kind",
        aggregate="reduce collect output outputs result results combine",
    ),
    "aggregate": _table(reduce="expression expr with using reducer"),
    "for_each": _table(
        items="in values list item over from of each loop",
        key="name id instance_key",
        max_parallel="parallel parallelism concurrency max_concurrency max_concurrent workers",
        max="limit max_items max_instances count",
    ),
    "wait": _table(until="at moment date time datetime timestamp till"),
    "approval": _table(
        prompt="message question text ask title description body",
        default="on_timeout default_verdict otherwise default_action",
    ),
    "on_failure": _table(
        substitute="template fallback replace replacement replace_with instead alternative",
        rollback="undo compensate revert",
        with_="inputs params parameters arguments args",
    ),
    "rollback": _table(then="and_then after next on_done", attempts="times max_attempts retries count max"),
    "defaults": _TASK,
    "retry": _RETRY,
    "limits": _table(
        concurrency="parallelism max_parallel workers max_concurrency max_concurrent max_active_tasks parallel jobs",
        max_tasks="tasks total max",
        queue="queue_size max_queue max_queued max_pending max_waiting backlog",
        timeout="max_time max_duration deadline time_limit run_timeout dagrun_timeout active_deadline_seconds",
    ),
    "cache": _table(
        key="name id cache_key keys hash",
        inputs="sources source src deps dependencies file_dep paths from fingerprint",
        files="generates outputs output targets target artifacts path produces save",
        ttl="max_age maxage expires expires_in expiry expiration duration timeout lifetime keep_for",
    ),
    "resource": _table(
        slots="size limit capacity max count concurrency permits seats max_concurrent max_concurrency total",
        items="values names members leases things pool",
        rate="rate_limit limit_rate throttle requests_per_minute rpm",
        circuit_breaker="breaker circuit circuitbreaker",
    ),
    "circuit_breaker": _table(
        failures="failure_threshold threshold fail_max max_failures errors trip_after consecutive_failures",
        reset_after="reset_timeout timeout cooldown cool_down recovery_timeout wait open_for sleep_window",
        successes="success_threshold half_open_requests close_after",
    ),
    "filter": _table(exit_code="exit_codes codes code exit return_code return_codes", status="http_status status_code"),
    "http": _table(
        url="uri endpoint address href target",
        method="verb request_method",
        headers="header",
        json="payload json_body",
        body="data content text",
        expect="status status_code status_codes expected_status success_codes response_code",
    ),
    "source": _table(file="path filename file_name name"),
    "schema": _SCHEMA,
    "output": _OUTPUT,
}

ADVICE = {
    "document": {
        "concurrency": "it is a limit: write `limits: {concurrency: 4}`",
        "max_tasks": "it is a limit: write `limits: {max_tasks: 1000}`",
        "kind": "a document is always a workflow: remove it",
        "metadata": "write its `name` at the top level",
        "spec": "write its keys at the top level",
        "namespace": "documents have no namespace: remove it",
        "permissions": "tasks run with the rights of whoever starts the run: remove it",
        "image": _NO_CONTAINER,
        "runs_on": _NO_MACHINE,
        "platforms": _NO_MACHINE,
    },
    "task": {
        "name": "the key above a task is its name: remove it, or make it the `description`",
        "id": "the key above a task is its name: remove it",
        "type": "the kind of a task is its action, such as `run` or `python`: remove it",
        "args": _ONE_LIST,
        "argv": _ONE_LIST,
        "image": _NO_CONTAINER,
        "container": _NO_CONTAINER,
        "docker": _NO_CONTAINER,
        "runs_on": _NO_MACHINE,
        "runner": _NO_MACHINE,
        "platform": _NO_MACHINE,
        "platforms": _NO_MACHINE,
        "stage": "tasks have no stages: link them with `depends_on`",
        "trigger_rule": _STATES,
        "artifacts": "declare what the task gives as `outputs: {NAME: {from: {file: PATH}}}`",
        "secrets": _AT_THE_TOP + ', and hand it over: `env: {NAME: "${{ secrets.NAME }}"}`',
        "before_script": "put these lines first in `run`",
        "after_script": "make it a task with `depends_on: {NAME: any}`",
        "unless": "say when the task runs: `when: ${{ not (CONDITION) }}`",
        "skip_if": "say when the task runs: `when: ${{ not (CONDITION) }}`",
        "only": "say when the task runs: `when: ${{ CONDITION }}`",
        "except": "say when the task runs: `when: ${{ not (CONDITION) }}`",
        "rules": "say when the task runs: `when: ${{ CONDITION }}`",
        "silent": "commands are not echoed: remove it",
    },
    "group": {
        "parallel": "write `mode: parallel`",
        "sequential": "write `mode: sequential`",
        "dag": "write `mode: dag`",
        "name": "the key above a task is its name: remove it",
        "max_parallel": "what the whole run may do at once stands in `limits: {concurrency: 4}`: remove it",
        "fail_fast": "a failed step ends a sequence, other modes go on: remove it",
    },
    "for_each": {
        "as": "an item is called `item` in every task: remove it",
        "var": "an item is called `item` in every task: remove it",
        "loop_var": "an item is called `item` in every task: remove it",
        "fail_fast": "the other instances always go on: remove it",
    },
    "wait": dict.fromkeys(
        ("for", "duration", "seconds", "minutes", "delay"), "a duration stands there by itself, as in `wait: 10m`"
    ),
    "approval": dict.fromkeys(
        ("approvers", "reviewers", "users", "teams", "roles", "by"),
        "whoever can reach the run may decide: remove it",
    ),
    "defaults": {"env": "variables for all tasks stand in `env` at the top level"},
    "retry": {
        "factor": "`exponential` doubles the wait each time, `linear` adds `delay`: remove it",
        "multiplier": "`exponential` doubles the wait each time, `linear` adds `delay`: remove it",
        "exponent": "`exponential` doubles the wait each time, `linear` adds `delay`: remove it",
        "enabled": "`max_attempts: 1` means no retry: remove it",
    },
    "http": {
        "params": _IN_URL,
        "query": _IN_URL,
        "auth": "write the header: `headers: {Authorization: ...}`",
        "verify": "certificates are always checked: remove it",
        "insecure": "certificates are always checked: remove it",
        "follow_redirects": "up to 5 redirects are followed: remove it",
        "with": "what is sent stands in `json` or `body`: move it there",
    },
    "filter": {
        "class": "write the name of the class itself, as in `on: [timeout]`",
        "error": "write the name of the class itself, as in `on: [timeout]`",
    },
    "schema": {
        "nullable": 'write a list of types, as in `type: [string, "null"]`, and remove it',
        "optional": "an input with a `default` is optional: remove it",
        "secret": f"inputs are recorded; {_AT_THE_TOP}",
        "sensitive": f"inputs are recorded; {_AT_THE_TOP}",
        "$ref": "references are not followed: write the schema out",
    },
}
ADVICE["aggregate"] = {"python": "write it under `reduce`: `reduce: {python: package.module:function}`"}
ADVICE["output"] = ADVICE["schema"] | {"file": "write `from: {file: PATH}`"}

# Words of JSON Schema outside the subset; a schema that needs them would be checked less than it says.
UNSUPPORTED_SCHEMA_KEYS = frozenset(
    (
        "$schema $id $defs $anchor $comment $dynamicRef definitions not if then else prefixItems contains minContains "
        "maxContains patternProperties propertyNames minProperties maxProperties dependentRequired dependentSchemas "
        "dependencies unevaluatedItems unevaluatedProperties additionalItems readOnly writeOnly deprecated "
        "contentEncoding contentMediaType contentSchema"
    ).split()
)

ADVICE["template"] = {key: hint for key, hint in ADVICE["task"].items() if key != "args"}

# Airflow's rules of when a task runs, in the words of `join` and `depends_on`: a state for all of them, and `join`.
TRIGGER_RULES = {
    "all_success": ("completed", None),
    "all_done": ("any", None),
    "all_failed": ("failed", None),
    "all_skipped": ("skipped", None),
    "always": ("any", None),
    "none_failed": ("ok", None),
    "none_skipped": ("any", None),
    "one_success": ("ok", "any"),
    "one_failed": ("failed", "any"),
    "one_done": ("any", "any"),
    "none_failed_min_one_success": ("ok", "any"),
    "all_done_min_one_success": ("any", None),
}

WORDS = {
    "join": _table(
        any="one first either some or one_of any_of one_success one_done none_failed_min_one_success",
        all="every each and all_of everything all_success all_done",
    ),
    "mode": _table(
        sequential="serial sequence series linear chain pipeline ordered steps",
        parallel="concurrent concurrently async unordered simultaneous",
        dag="graph depends topological dependencies",
    ),
    "aggregate": _table(
        collect="all list map merge gather dict none default join",
        first="any race fastest one winner",
    ),
    "verdict": _table(
        approve="approved accept accepted yes y on allow continue true go ok pass proceed",
        reject="rejected deny denied no n off fail cancel abort false decline stop",
    ),
    "then": _table(
        cancel="abort fail stop end exit cancel_dependents",
        retry="again rerun restart repeat try_again",
    ),
    "on_failure": _table(
        skip="continue ignore allow warn tolerate proceed true",
        abort="fail stop fail_fast exit halt terminate cancel cancel_run cancel_all cancelled",
        cancel_dependents="cancel_downstream fail_dependents block default false",
    ),
    "on_crash": _table(
        retry="restart rerun resume again recover continue requeue default true",
        fail="failed stop abort never none error false",
    ),
    "need": _table(
        ok="success succeeded successful all_success passed service_completed_successfully true",
        failed="failure error errored all_failed",
        any="always done all_done finished final complete_or_failed",
        completed="complete service_completed",
        skipped="skip",
    ),
    "strategy": _table(
        immediate="none no instant zero",
        linear="fixed constant static",
        exponential="exp backoff doubling expo",
        jittered="random jitter full_jitter",
    ),
    "method": _table(
        GET="get read fetch list",
        HEAD="head",
        POST="post create send",
        PUT="put replace",
        PATCH="patch update",
        DELETE="delete del remove",
        OPTIONS="options",
    ),
    "priority": _table(
        critical="urgent highest top max",
        high="higher",
        normal="medium default standard mid",
        low="lower",
        idle="lowest background min batch",
    ),
    "type": _table(
        string="str text char varchar date path",
        integer="int long",
        number="float double decimal numeric",
        boolean="bool flag",
        array="list sequence tuple set",
        object="dict map mapping struct hash record",
        null="none nil",
    ),
    "source": _table(
        output="file env github_output outputs",
        stdout="std_out out text",
        json="stdout_json",
        result="exit_code return",
    ),
}
