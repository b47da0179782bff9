/*
 * What the host can ask for. Each action is run by a process of its own and answered by POST /engine/v1/reply?id=ID.
 *
 *   get-artifact {path}              the file as body
 *   get-folder   {path}              one tar stream of the regular files below it; trailers X-Boxcar-Skipped (links,
 *                                    devices, unreadable) and X-Boxcar-Changed (shrank while being read)
 *   list-folder  {path}              {files: [paths], notFound}
 *   put-file     {path, mode, user}  GET of the same address gives the content; then {} in answer to it
 *   exec         {command, env, cwd, user, tty}   the output as body; trailers X-Boxcar-Exit-Code, X-Boxcar-Signal.
 *                                    Stopped with all its children when the host closes the connection
 *   exec-shell   {command, env, cwd, user, tty, cols, rows}   answered by a websocket: see shell.h
 *   kill-process {graceMs}           {found, left}: how many processes there were and are
 *   mount        {serial, sizeBytes, path, readOnly, owner}   waits for the disk, makes the folder, mounts; {}
 *   unmount      {serial}            {clean}: whether the disk is whole, and as an orderly end leaves it
 *
 * What cannot be done is answered with the header X-Taskcluster-Worker-Error: file-not-found, not-a-file,
 * not-a-folder, permission-denied, list-too-long, disk-not-found, mount-failed, unknown-action, io-error, and
 * {message}. Relative paths start in the working directory of the task.
 */
#ifndef ACTIONS_H
#define ACTIONS_H

#include "json.h"
#include "shared.h"

/* False for "none" and for what is no action at all. */
bool action_wants_reply(const struct json *action);
/* To be called in a process of its own. */
void action_run(const struct agent *agent, const struct json *action);

#endif
