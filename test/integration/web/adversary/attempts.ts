/** What attackers try, one a row. Pure. */

export interface Names {
  readonly port: number;
  /** A task of somebody else that is over. */
  readonly done: string;
  /** One that waits. */
  readonly waiting: string;
}

export type As = "nobody" | "viewer" | "submitter" | "operator" | "admin" | "expired" | "revoked" | "session";

export interface Attempt {
  readonly what: string;
  readonly as?: As;
  /** Method and address; default GET. */
  readonly ask: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is. */
  readonly body?: string | object;
  readonly status: number;
  readonly code: string;
}

const TASK = { payload: { command: ["true"] } };

export function attempts({ port, done, waiting }: Names): Attempt[] {
  return [
    ...logins(done),
    ...roles(done, waiting),
    ...pages(port, waiting),
    ...paths(done),
    ...sizes(),
    ...methods(done),
    ...forgeries(done),
    ...names(done),
    ...searches(),
  ];
}

function logins(done: string): Attempt[] {
  const refused = { status: 401, code: "unauthenticated" };
  const bad = { status: 401, code: "bad-token" };
  const all = ["tasks", `tasks/${done}`, "workers", "machines", "queue", "events", "images", "audit", "schemas/task"];
  const basic = Buffer.from("admin:admin").toString("base64");
  return [
    ...all.map((path) => ({ what: `nobody asks for ${path}`, ask: `/api/v1/${path}`, ...refused })),
    ...[
      { what: "nobody reads an artifact", ask: `/api/v1/tasks/${done}/runs/0/artifacts/public/page.html`, ...refused },
      { what: "nobody reads a log", ask: `/api/v1/tasks/${done}/runs/0/logs/task.log`, ...refused },
      { what: "nobody sees a screen", ask: `/api/v1/tasks/${done}/runs/0/screen`, ...refused },
      { what: "nobody reads metrics", ask: "/metrics", ...refused },
      { what: "nobody submits", ask: "POST /api/v1/tasks", body: TASK, ...refused },
      { what: "nobody stops the worker", ask: "POST /api/v1/worker/stop", body: {}, ...refused },
    ],
    ...(["expired", "revoked"] as const).flatMap((as) => [
      { what: `a token that is ${as}`, as, ask: "/api/v1/tasks", ...bad },
      {
        what: `the worker is stopped with a token that is ${as}`,
        as,
        ask: "POST /api/v1/worker/stop",
        body: {},
        ...bad,
      },
    ]),
    ...[
      `Basic ${basic}`,
      "Bearer",
      "Bearer ",
      "Bearer a b",
      "bearer",
      `Bearer bxc_${"0".repeat(10)}_${"A".repeat(43)}`,
    ].map((authorization) => ({
      what: `Authorization: ${authorization}`,
      ask: "/api/v1/tasks",
      headers: { authorization },
      ...bad,
    })),
    {
      what: "a session that there is not",
      ask: "/api/v1/tasks",
      headers: { cookie: `boxcar=${"A".repeat(43)}` },
      ...refused,
    },
    { what: "a cookie that is no session", ask: "/api/v1/tasks", headers: { cookie: "boxcar=%00';--" }, ...refused },
    {
      what: "a login with the token of an object",
      ask: "POST /api/v1/session",
      body: { token: { length: 1 } },
      ...{ status: 400, code: "invalid-input" },
    },
    { what: "a login with nothing", ask: "POST /api/v1/session", body: {}, status: 400, code: "invalid-input" },
    { what: "a login with a token that there is not", ask: "POST /api/v1/session", body: { token: "x" }, ...bad },
  ];
}

function roles(done: string, waiting: string): Attempt[] {
  const refused = { status: 403, code: "forbidden" };
  return [
    { what: "a viewer submits", as: "viewer", ask: "POST /api/v1/tasks", body: TASK, ...refused },
    { what: "a viewer cancels", as: "viewer", ask: `POST /api/v1/tasks/${waiting}/cancel`, body: {}, ...refused },
    { what: "a viewer copies", as: "viewer", ask: `POST /api/v1/tasks/${done}/copy`, body: {}, ...refused },
    {
      what: "another's task is cancelled",
      as: "submitter",
      ask: `POST /api/v1/tasks/${waiting}/cancel`,
      body: {},
      ...refused,
    },
    {
      what: "another's task is cancelled by the beginning of its id",
      as: "submitter",
      ask: `POST /api/v1/tasks/${waiting.slice(0, 10)}/cancel`,
      body: {},
      ...refused,
    },
    {
      what: "another's task is run again",
      as: "submitter",
      ask: `POST /api/v1/tasks/${done}/rerun`,
      body: {},
      ...refused,
    },
    { what: "a submitter pauses the worker", as: "submitter", ask: "POST /api/v1/worker/pause", body: {}, ...refused },
    {
      what: "a submitter fetches an image",
      as: "submitter",
      ask: "POST /api/v1/images/pull",
      body: { source: "/etc/passwd" },
      ...refused,
    },
    { what: "an operator stops the worker", as: "operator", ask: "POST /api/v1/worker/stop", body: {}, ...refused },
    { what: "an operator removes an image", as: "operator", ask: "DELETE /api/v1/images/debian", body: {}, ...refused },
    { what: "an operator reads who did what", as: "operator", ask: "/api/v1/audit", ...refused },
    {
      what: "an operator fetches a file of the host",
      as: "operator",
      ask: "POST /api/v1/images/pull",
      body: { source: "/etc/shadow" },
      ...{ status: 400, code: "image-path-not-allowed" },
    },
    {
      what: "an operator fetches a file by its URL",
      as: "operator",
      ask: "POST /api/v1/images/pull",
      body: { source: "file:///etc/shadow" },
      ...{ status: 400, code: "image-url-not-allowed" },
    },
    {
      what: "an operator has the host ask its own services",
      as: "operator",
      ask: "POST /api/v1/images/pull",
      body: { source: "http://169.254.169.254/latest/meta-data/" },
      ...{ status: 400, code: "image-url-not-allowed" },
    },
  ];
}

function pages(port: number, waiting: string): Attempt[] {
  const host = { status: 403, code: "wrong-host" };
  const origin = { status: 403, code: "wrong-origin" };
  const cancel = { as: "admin", ask: `POST /api/v1/tasks/${waiting}/cancel`, body: {} } as const;
  const form = { as: "admin", ask: "POST /api/v1/tasks", status: 415, code: "json-only" } as const;
  return [
    ...[
      "evil.example",
      "localhost.evil.example",
      `127.0.0.1.evil.example:${port}`,
      "localhost.",
      "[::1",
      "127.1",
      "0x7f.1",
      "evil@localhost",
      "localhost/evil",
    ].map((name) => ({
      what: `the host ${name}`,
      as: "admin" as const,
      ask: "/api/v1/tasks",
      headers: { host: name },
      ...host,
    })),
    { what: "the page of a stranger's name", ask: "/", headers: { host: "evil.example" }, ...host },
    ...[
      "https://evil.example",
      "null",
      `http://127.0.0.1:${port + 1}`,
      `http://127.0.0.1:${port}.evil.example`,
      "",
      "file://",
    ].map((from) => ({
      what: `from the page ${JSON.stringify(from)}`,
      ...cancel,
      headers: { origin: from },
      ...origin,
    })),
    ...["cross-site", "same-site", "cross-site, none"].map((site) => ({
      ...{ what: `from ${site}`, ...cancel, headers: { "sec-fetch-site": site } },
      ...origin,
    })),
    {
      what: "somebody is logged in by another page",
      ask: "POST /api/v1/session",
      body: { token: "x" },
      headers: { origin: "https://evil.example" },
      ...origin,
    },
    {
      what: "somebody is logged out by another page",
      as: "session",
      ask: "DELETE /api/v1/session",
      headers: { "sec-fetch-site": "cross-site" },
      ...origin,
    },
    {
      what: "without the value against forgery",
      as: "session",
      ask: cancel.ask,
      body: {},
      status: 403,
      code: "wrong-csrf",
    },
    {
      what: "with a wrong value against forgery",
      as: "session",
      ask: cancel.ask,
      body: {},
      headers: { "x-boxcar-csrf": "A".repeat(43) },
      ...{ status: 403, code: "wrong-csrf" },
    },
    { what: "a form as text", ...form, body: '{"payload":{}}', headers: { "content-type": "text/plain" } },
    { what: "a form", ...form, body: "payload=1", headers: { "content-type": "application/x-www-form-urlencoded" } },
    {
      what: "a form of parts",
      ...form,
      body: "--a\r\n\r\n--a--",
      headers: { "content-type": "multipart/form-data; boundary=a" },
    },
    {
      what: "a type that only contains JSON",
      ...form,
      body: "{}",
      headers: { "content-type": "text/plain; application/json" },
    },
    { what: "no type", ...form, body: "{}", headers: { "content-type": "" } },
  ];
}

function paths(done: string): Attempt[] {
  const artifact = (name: string, status = 400, code = "bad-request"): Attempt => ({
    ...{ what: `the artifact ${JSON.stringify(name)}`, as: "viewer", status, code },
    ask: `/api/v1/tasks/${done}/runs/0/artifacts/${name}`,
  });
  const log = (name: string, status = 404, code = "log-not-found"): Attempt => ({
    ...{ what: `the log ${JSON.stringify(name)}`, as: "viewer", status, code },
    ask: `/api/v1/tasks/${done}/runs/0/logs/${name}`,
  });
  const other = (what: string, ask: string, status: number, code: string): Attempt => ({
    what,
    as: "viewer",
    ask,
    status,
    code,
  });
  const picture = `/api/v1/tasks/${done}/runs/0/screenshots`;
  return [
    artifact("../../../../../etc/passwd"),
    artifact("public/../../../../etc/passwd"),
    artifact("%2e%2e/%2e%2e/etc/passwd"),
    artifact("..%2f..%2f..%2fetc%2fpasswd"),
    artifact("%2fetc%2fpasswd"),
    artifact("public//page.html"),
    artifact("public/page.html/"),
    artifact("public/page.html%00.png"),
    artifact("public/page.html%0a"),
    artifact("%c0%ae%c0%ae/etc/passwd"),
    artifact("%ff"),
    artifact("%"),
    artifact("%252e%252e%252fetc%252fpasswd", 404, "artifact-not-found"),
    artifact("..%5c..%5cetc%5cpasswd", 404, "artifact-not-found"),
    artifact(`${"a/".repeat(2_100)}a`),
    artifact("a".repeat(256)),
    artifact("private/interactive/sockets.json", 404, "artifact-not-found"),
    log("..%2f..%2ftask.log"),
    log("%2e%2e"),
    log("task.log%00", 400, "bad-request"),
    log("/etc/passwd", 404, "not-found"),
    log("..%5ctask.log"),
    log("__proto__"),
    other("a picture above its folder", `${picture}/..%2findex.json`, 400, "bad-request"),
    other("a picture with an end", `${picture}/a.png%00`, 400, "bad-request"),
    other("a schema above its folder", "/api/v1/schemas/..%2f..%2fpackage", 404, "schema-not-found"),
    other("a schema of each object", "/api/v1/schemas/constructor", 404, "schema-not-found"),
    other("a schema of each object's prototype", "/api/v1/schemas/__proto__", 404, "schema-not-found"),
    other("a file beside those of the dashboard", "/assets/..%2f..%2fpackage.json", 404, "not-found"),
    other("a file above those of the dashboard", "/assets/../manifest.json", 404, "not-found"),
    other("the manifest of the dashboard", "/manifest.json", 404, "not-found"),
    other("a file that each object has", "/constructor", 404, "not-found"),
    other("a dashboard twice encoded", "/%252e%252e/package.json", 404, "not-found"),
    other("an API with another beginning", "//api/v1/tasks", 404, "not-found"),
    other("an API in capitals", "/API/V1/TASKS", 404, "not-found"),
    other("a run below nothing", `/api/v1/tasks/${done}/runs/-1`, 400, "bad-request"),
    other("a run that is no number", `/api/v1/tasks/${done}/runs/0x0`, 400, "bad-request"),
    other("a run that is much", `/api/v1/tasks/${done}/runs/9999999`, 400, "bad-request"),
  ];
}

function sizes(): Attempt[] {
  const deep = (open: string, close: string) => `${open.repeat(50_000)}1${close.repeat(50_000)}`;
  const check = { as: "submitter", ask: "POST /api/v1/tasks/check" } as const;
  return [
    {
      what: "an address without an end",
      as: "viewer",
      ask: `/api/v1/tasks?search=${"a".repeat(15_000)}`,
      status: 414,
      code: "too-long",
    },
    {
      what: "a search that is long",
      as: "viewer",
      ask: `/api/v1/tasks?search=${"a".repeat(5_000)}`,
      status: 400,
      code: "bad-request",
    },
    {
      what: "many parameters",
      as: "viewer",
      ask: `/api/v1/tasks?${"limit=1&".repeat(1_000)}`,
      status: 400,
      code: "bad-request",
    },
    {
      what: "parameters of all names",
      as: "viewer",
      ask: `/api/v1/tasks?${Array.from({ length: 1_000 }, (_, n) => `a${n}=1`).join("&")}`,
      status: 400,
      code: "bad-request",
    },
    {
      what: "a body that is large",
      ...check,
      body: { payload: "x".repeat(2_000_000) },
      status: 413,
      code: "too-large",
    },
    { what: "lists in lists", ...check, body: `{"a":${deep("[", "]")}}`, status: 400, code: "too-deep" },
    { what: "objects in objects", ...check, body: deep('{"a":', "}"), status: 400, code: "too-deep" },
    {
      what: "a list where an object is due",
      ...check,
      ask: "POST /api/v1/tasks",
      body: "[]",
      status: 400,
      code: "invalid-input",
    },
    { what: "a number where an object is due", ...check, body: "1", status: 400, code: "bad-request" },
    { what: "a body that is no JSON", ...check, body: "{", status: 400, code: "bad-request" },
    {
      what: "a body that is packed in itself",
      ...check,
      body: "{}",
      headers: { "content-encoding": "gzip, gzip" },
      status: 415,
      code: "bad-request",
    },
    {
      what: "a body that is not packed as it says",
      ...check,
      body: "{}",
      headers: { "content-encoding": "gzip" },
      status: 400,
      code: "bad-request",
    },
  ];
}

function methods(done: string): Attempt[] {
  const none = { status: 405, code: "method-not-allowed" };
  return [
    ...["TRACE", "PUT", "PATCH", "PROPFIND", "DELETE"].map((method) => ({
      ...{ what: `${method} of a task`, as: "admin" as const, ask: `${method} /api/v1/tasks/${done}`, ...none },
    })),
    {
      what: "a method in a header",
      as: "viewer",
      ask: `POST /api/v1/tasks/${done}`,
      headers: { "x-http-method-override": "GET" },
      ...none,
    },
    {
      what: "a method in a header of a GET",
      as: "viewer",
      ask: "/api/v1/worker/stop",
      headers: { "x-http-method-override": "POST", "x-method-override": "POST" },
      ...none,
    },
    { what: "a method in the query", as: "viewer", ask: "/api/v1/worker/stop?_method=POST", ...none },
    { what: "PUT to the dashboard", as: "admin", ask: "PUT /tasks", body: {}, status: 404, code: "not-found" },
  ];
}

function forgeries(done: string): Attempt[] {
  const refused = { status: 401, code: "fleet-statement-refused" };
  const part = (data: object) => Buffer.from(JSON.stringify(data)).toString("base64url");
  const claims = {
    sub: "admin",
    role: "admin",
    iss: "worker-2",
    aud: "worker-1",
    jti: "1",
    htm: "GET",
    htu: "/api/v1/audit",
  };
  const now = Math.floor(Date.now() / 1_000);
  const unsigned = `${part({ alg: "none" })}.${part({ ...claims, iat: now, exp: now + 30 })}.`;
  const signed = `${part({ alg: "HS256" })}.${part({ ...claims, iat: now, exp: now + 30 })}.${"A".repeat(43)}`;
  const audit = (what: string, headers: Record<string, string>) => ({ what, ask: "/api/v1/audit", headers });
  return [
    ...["1", unsigned, signed, "a".repeat(5_000)].map((statement) => ({
      ...audit(`a statement of another worker: ${statement.slice(0, 20)}`, { "x-boxcar-fleet": statement }),
      ...refused,
    })),
    { ...audit("a statement beside a token", { "x-boxcar-fleet": signed }), as: "admin", ...refused },
    {
      ...audit("an address of this host", {
        "x-forwarded-for": "127.0.0.1",
        "x-real-ip": "127.0.0.1",
        forwarded: "for=127.0.0.1",
      }),
      ...{ status: 401, code: "unauthenticated" },
    },
    {
      ...audit("who asks, in headers of proxies", {
        "x-user": "admin",
        "x-forwarded-user": "admin",
        "x-principal": "admin:admin",
        via: "worker",
      }),
      ...{ status: 401, code: "unauthenticated" },
    },
    {
      what: "a host in a header of proxies",
      as: "admin",
      ask: "/api/v1/audit",
      headers: { host: "evil.example", "x-forwarded-host": "localhost" },
      ...{ status: 403, code: "wrong-host" },
    },
    {
      what: "the secret of a machine that is guessed",
      ask: `/api/v1/interactive/${"A".repeat(43)}/displays`,
      ...{ status: 404, code: "no-machine" },
    },
    {
      what: "a link to a machine that there is not",
      as: "operator",
      ask: `POST /api/v1/tasks/${done}/runs/0/links`,
      body: { kind: "shell" },
      ...{ status: 404, code: "no-machine" },
    },
  ];
}

/** What every object of JavaScript has, and what databases and shells stumble over. */
function names(done: string): Attempt[] {
  const words = ["constructor", "__proto__", "toString", "'; DROP TABLE boxcar.task; --", "$(reboot)", "%", "\ud800"];
  const encoded = words.map((word) => encodeURIComponent(word.toWellFormed()));
  const admin = { as: "admin" } as const;
  const submit = { as: "submitter", ask: "POST /api/v1/tasks", status: 400, code: "invalid-input" } as const;
  return [
    ...encoded.flatMap((word) => [
      { ...admin, what: `the task ${word}`, ask: `/api/v1/tasks/${word}`, status: 404, code: "task-not-found" },
      {
        ...admin,
        what: `an artifact of the task ${word}`,
        ask: `/api/v1/tasks/${word}/runs/0/artifacts/a`,
        status: 404,
        code: "task-not-found",
      },
      {
        ...admin,
        what: `the worker ${word}`,
        ask: `POST /api/v1/workers/${word}/pause`,
        body: {},
        status: 404,
        code: "worker-not-found",
      },
      {
        ...admin,
        what: `images of the worker ${word}`,
        ask: `/api/v1/images?worker=${word}`,
        status: 404,
        code: "worker-not-found",
      },
      { ...admin, what: `the job ${word}`, ask: `/api/v1/images/jobs/${word}`, status: 404, code: "job-not-found" },
    ]),
    ...["a%00", "%00", "a%0a", "a%1b[2J"].flatMap((word) => [
      { ...admin, what: `the task ${word}`, ask: `/api/v1/tasks/${word}`, status: 400, code: "bad-request" },
      {
        ...admin,
        what: `the worker ${word}`,
        ask: `POST /api/v1/workers/${word}/pause`,
        body: {},
        status: 400,
        code: "bad-request",
      },
      { ...admin, what: `the image ${word}`, ask: `/api/v1/images/${word}`, status: 400, code: "bad-request" },
      { ...admin, what: `the schema ${word}`, ask: `/api/v1/schemas/${word}`, status: 400, code: "bad-request" },
    ]),
    ...["queue", "before", "search"].map((name) => ({
      ...{
        ...admin,
        what: `the end of a text in ${name}`,
        ask: `/api/v1/tasks?${name}=a%00`,
        status: 400,
        code: "bad-request",
      },
    })),
    {
      ...admin,
      what: "the end of a text in the name of a worker",
      ask: "/api/v1/images?worker=%00",
      status: 400,
      code: "bad-request",
    },
    {
      ...admin,
      what: "the image constructor",
      ask: "/api/v1/images/constructor",
      status: 404,
      code: "image-not-found",
    },
    ...["__proto__", "toString", "..%2f..%2fetc", "a%20b"].map((word) => ({
      ...{
        ...admin,
        what: `the image ${word}`,
        ask: `/api/v1/images/${word}`,
        status: 400,
        code: "image-reference-invalid",
      },
    })),
    {
      ...admin,
      what: "a parameter that each object has",
      ask: "/api/v1/tasks?__proto__=1",
      status: 400,
      code: "bad-request",
    },
    {
      ...admin,
      what: "a parameter of an object",
      ask: "/api/v1/tasks?search[constructor]=1",
      status: 400,
      code: "bad-request",
    },
    { what: "a prototype in a body", ...submit, body: '{"__proto__":{"payload":{"command":["true"]}}}' },
    {
      what: "a prototype beside the task",
      ...submit,
      body: '{"payload":{"command":["true"]},"__proto__":{"queue":"x"}}',
    },
    {
      what: "a constructor in a body",
      ...submit,
      body: '{"payload":{"command":["true"]},"constructor":{"prototype":{"a":1}}}',
    },
    { what: "a prototype in a payload", ...submit, body: '{"payload":{"command":["true"],"__proto__":{"image":"x"}}}' },
    {
      what: "a prototype in a part of the API",
      as: "admin",
      ask: `POST /api/v1/tasks/${done}/copy`,
      body: '{"interactive":{"__proto__":{"shell":true}}}',
      status: 400,
      code: "invalid-input",
    },
    {
      what: "a reason that each object has",
      as: "operator",
      ask: "POST /api/v1/worker/pause",
      body: '{"__proto__":{"reason":"x"}}',
      status: 400,
      code: "invalid-input",
    },
    { what: "a name with a line break", ...submit, body: { ...TASK, metadata: { name: "a\nb" } } },
    { what: "a name with a control sequence", ...submit, body: { ...TASK, metadata: { name: "\u001b[2J" } } },
    { what: "a command with the end of a text", ...submit, body: { payload: { command: ["a\u0000b"] } } },
    {
      what: "a variable with the end of a text",
      ...submit,
      body: { payload: { command: ["true"], env: { A: "\u0000" } } },
    },
  ];
}

function searches(): Attempt[] {
  const admin = { as: "admin", status: 400, code: "bad-request" } as const;
  return [
    { ...admin, what: "tasks of no state", ask: "/api/v1/tasks?state=pending'--" },
    { ...admin, what: "tasks without a number", ask: "/api/v1/tasks?limit=1%20OR%201=1" },
    { ...admin, what: "tasks of many", ask: "/api/v1/tasks?limit=99999999999" },
    { ...admin, what: "entries before no entry", ask: "/api/v1/audit?before=%27%3B--" },
    { ...admin, what: "a width of nothing", ask: "/api/v1/tasks/a/runs/0/screen?width=0" },
    { ...admin, what: "a place that is none", ask: "/api/v1/tasks/a/runs/0/logs/task.log?from=1e9" },
  ];
}
