/**
 * The tables of a queue, as steps from nothing to what they are now. A step that was released is never changed.
 *
 * `job` names what pg-boss has of the task, and so one claim of one run: who knows another value has lost the task.
 * `due` is when maintenance has to look at the task, see transitions.ts.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE boxcar.task (
    task_id text COLLATE "C" PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    queue text NOT NULL,
    priority text NOT NULL,
    name text,
    -- Nothing here looks into these two: they may hold what PostgreSQL has no text for, such as NUL.
    payload json NOT NULL,
    details json NOT NULL,
    dependencies text[] NOT NULL,
    requires text NOT NULL,
    supersede text,
    created timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    state text NOT NULL,
    retries integer NOT NULL,
    retries_left integer NOT NULL,
    unmet integer NOT NULL,
    runs json NOT NULL,
    job uuid,
    due timestamptz NOT NULL
  );
  CREATE INDEX task_due ON boxcar.task (due);
  CREATE INDEX task_job ON boxcar.task (job) WHERE job IS NOT NULL;
  CREATE INDEX task_supersede ON boxcar.task (queue, supersede) WHERE supersede IS NOT NULL;

  CREATE TABLE boxcar.dependency (
    task_id text COLLATE "C" NOT NULL REFERENCES boxcar.task ON DELETE CASCADE,
    depends_on text COLLATE "C" NOT NULL,
    met boolean NOT NULL,
    PRIMARY KEY (task_id, depends_on)
  );
  CREATE INDEX dependency_unmet ON boxcar.dependency (depends_on) WHERE NOT met;

  CREATE TABLE boxcar.artifact (
    task_id text COLLATE "C" NOT NULL,
    run_id integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    store text NOT NULL,
    worker_id text NOT NULL,
    content_type text NOT NULL,
    content_encoding text,
    size_bytes bigint,
    sha256 text,
    expires timestamptz NOT NULL,
    error json,
    link json,
    PRIMARY KEY (task_id, run_id, name)
  );
  CREATE INDEX artifact_expires ON boxcar.artifact (expires);
  `,
  `
  CREATE TABLE boxcar.token (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL,
    hash text NOT NULL,
    created timestamptz NOT NULL,
    expires timestamptz,
    last_used timestamptz
  );

  CREATE TABLE boxcar.session (
    hash text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL,
    token_id text COLLATE "C" REFERENCES boxcar.token ON DELETE CASCADE,
    created timestamptz NOT NULL,
    expires timestamptz NOT NULL
  );
  CREATE INDEX session_token ON boxcar.session (token_id);
  CREATE INDEX session_expires ON boxcar.session (expires);
  `,
  `
  ALTER TABLE boxcar.task
    ADD COLUMN submitter text,
    -- Id, name and values of tags, in lower case, see search-text.ts.
    ADD COLUMN search text COLLATE "C" NOT NULL DEFAULT '';
  UPDATE boxcar.task SET search = lower(task_id) || coalesce(E'\\n' || lower(name), '');

  -- Lists are made by this one alone, whatever is asked for, until it is known which tasks are in them.
  CREATE UNIQUE INDEX task_list ON boxcar.task (seq) INCLUDE (queue, state, search);
  ALTER TABLE boxcar.task DROP CONSTRAINT task_seq_key;

  CREATE TABLE boxcar.worker (
    worker_id text COLLATE "C" PRIMARY KEY,
    -- Tells two processes with one id apart.
    instance uuid NOT NULL,
    url text,
    queue text NOT NULL,
    version text NOT NULL,
    started timestamptz NOT NULL,
    status json NOT NULL,
    seen timestamptz NOT NULL
  );

  CREATE TABLE boxcar.fleet (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    key bytea NOT NULL
  );
  `,
  `
  CREATE TABLE boxcar.webhook (
    id text COLLATE "C" PRIMARY KEY,
    url text NOT NULL,
    events text[] NOT NULL,
    queue text,
    -- When a worker last said that it sends what is for it.
    seen timestamptz NOT NULL,
    disabled boolean NOT NULL DEFAULT false
  );

  CREATE TABLE boxcar.webhook_message (
    hook text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    run_id integer NOT NULL,
    state text NOT NULL,
    queue text NOT NULL,
    name text,
    -- Of the task, as they were.
    runs json NOT NULL,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    first timestamptz,
    -- When it is to be sent; null once it is settled.
    due timestamptz DEFAULT clock_timestamp(),
    PRIMARY KEY (hook, task_id, run_id, state)
  );
  CREATE INDEX webhook_message_due ON boxcar.webhook_message (hook, due) WHERE due IS NOT NULL;
  CREATE INDEX webhook_message_time ON boxcar.webhook_message (time);

  -- In the database, so that nobody changes a task without it; one that comes to the same state again, as when a claim
  -- is given back, was told of.
  CREATE FUNCTION boxcar.write_webhook_messages() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO boxcar.webhook_message (hook, task_id, run_id, state, queue, name, runs)
      SELECT id, NEW.task_id, json_array_length(NEW.runs) - 1, NEW.state, NEW.queue, NEW.name, NEW.runs
      FROM boxcar.webhook
      WHERE NOT disabled AND 'task.' || NEW.state = ANY(events) AND coalesce(queue = NEW.queue, true)
      ON CONFLICT DO NOTHING;
    RETURN NULL;
  END $$;
  CREATE TRIGGER webhook_insert AFTER INSERT ON boxcar.task FOR EACH ROW
    WHEN (NEW.state <> 'unscheduled') EXECUTE FUNCTION boxcar.write_webhook_messages();
  CREATE TRIGGER webhook_update AFTER UPDATE OF state, runs ON boxcar.task FOR EACH ROW
    WHEN (NEW.state <> 'unscheduled' AND (NEW.state <> OLD.state
      OR json_array_length(NEW.runs) <> json_array_length(OLD.runs)))
    EXECUTE FUNCTION boxcar.write_webhook_messages();
  `,
];
