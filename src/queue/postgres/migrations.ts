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
];
