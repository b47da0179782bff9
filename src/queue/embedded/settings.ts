/** The configuration of the private server: little memory, no network, nothing given up of what makes it durable. Pure. */

/** Of the private server; only a part of the name of its socket. */
export const PORT = 5432;

const MAX_CONNECTIONS = 200;

/** @param majorVersion Of PostgreSQL. */
export function serverSettings(majorVersion: number): string {
  const settings: Record<string, string | number> = {
    // The folder of the database, which nobody else may enter.
    unix_socket_directories: "'.'",
    unix_socket_permissions: "0700",
    listen_addresses: "''",
    port: PORT,
    max_connections: MAX_CONNECTIONS,
    shared_buffers: "16MB",
    huge_pages: "off",
    work_mem: "2MB",
    maintenance_work_mem: "16MB",
    wal_level: "minimal",
    max_wal_senders: 0,
    min_wal_size: "16MB",
    max_wal_size: "128MB",
    checkpoint_timeout: "15min",
    autovacuum_max_workers: 1,
    max_worker_processes: 1,
    max_parallel_workers: 0,
    max_logical_replication_workers: 0,
    jit: "off",
    log_min_messages: "warning",
    log_checkpoints: "off",
    log_line_prefix: "'%m [%p] '",
    update_process_title: "off",
    timezone: "'UTC'",
    ...(majorVersion >= 17 ? { summarize_wal: "off" } : {}),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `# Written by Boxcar at each start of the server; changes are lost.\n${lines.join("\n")}\n`;
}

/** Who can reach the socket may do everything; the folder it is in lets only the owner pass. */
export const HOST_BASED_AUTHENTICATION = "local all all trust\n";
