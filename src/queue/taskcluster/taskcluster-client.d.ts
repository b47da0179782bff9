/** The part of the package that is used here; it brings no types of its own. */
declare module "taskcluster-client" {
  export interface ClientOptions {
    readonly rootUrl: string;
    readonly credentials: { readonly clientId: string; readonly accessToken: string; readonly certificate?: string };
    readonly authorizedScopes?: readonly string[];
    /** Of one HTTP request, in ms. */
    readonly timeout: number;
    /** After the first attempt. */
    readonly retries: number;
    /** Options of the `http.Agent` that this client gets for itself; they reach `net.connect`. */
    readonly agent: { readonly keepAlive: boolean; readonly signal: AbortSignal };
  }

  export interface QueueClient {
    claimWork(taskQueueId: string, body: object): Promise<unknown>;
    reclaimTask(taskId: string, runId: string): Promise<unknown>;
    reportCompleted(taskId: string, runId: string): Promise<unknown>;
    reportFailed(taskId: string, runId: string): Promise<unknown>;
    reportException(taskId: string, runId: string, body: object): Promise<unknown>;
    createArtifact(taskId: string, runId: string, name: string, body: object): Promise<unknown>;
    finishArtifact(taskId: string, runId: string, name: string, body: object): Promise<unknown>;
    status(taskId: string): Promise<unknown>;
    artifact(taskId: string, runId: string, name: string): Promise<unknown>;
    latestArtifact(taskId: string, name: string): Promise<unknown>;
  }

  export interface ObjectClient {
    createUpload(name: string, body: object): Promise<unknown>;
    finishUpload(name: string, body: object): Promise<unknown>;
    startDownload(name: string, body: object): Promise<unknown>;
  }

  export interface IndexClient {
    findTask(indexPath: string): Promise<unknown>;
  }

  export const clients: {
    readonly Queue: new (options: ClientOptions) => QueueClient;
    readonly Object: new (options: ClientOptions) => ObjectClient;
    readonly Index: new (options: ClientOptions) => IndexClient;
  };
}
