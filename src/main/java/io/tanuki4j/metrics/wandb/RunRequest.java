package io.tanuki4j.metrics.wandb;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.metrics.wandb.WandbServer.RequestException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Creates a run on a server, or finds it there, and then knows its addresses. */
final class RunRequest {
  private static final String RESUME =
      """
      query RunResumeStatus($project: String, $entity: String, $name: String!) {
        model(name: $project, entityName: $entity) {
          bucket(name: $name, missingOk: true) {
            id name logLineCount historyLineCount eventsLineCount historyTail
          }
        }
      }
      """;
  private static final String UPSERT =
      """
      mutation UpsertBucket(
        $id: String, $name: String, $project: String, $entity: String, $groupName: String,
        $displayName: String, $notes: String, $config: JSONString, $host: String,
        $jobType: String, $tags: [String!]
      ) {
        upsertBucket(input: {
          id: $id, name: $name, modelName: $project, entityName: $entity, groupName: $groupName,
          displayName: $displayName, notes: $notes, config: $config, host: $host,
          jobType: $jobType, tags: $tags
        }) {
          bucket { id name project { name entity { name } } }
          inserted
        }
      }
      """;
  private static final Gson JSON =
      new GsonBuilder().serializeNulls().serializeSpecialFloatingPointValues().create();

  private final String base;
  private final String id;
  private final String resume;
  private final JsonObject variables = new JsonObject();
  private String entity = "";
  private String project = "";

  /**
   * Describes the run.
   *
   * @param arguments the run's settings
   */
  RunRequest(
      String base,
      String id,
      WandbConfig config,
      WandbEnvironment environment,
      Map<String, @Nullable Object> arguments) {
    this.base = base;
    this.id = id;
    resume = environment.run().resume();
    add("name", id);
    add("project", config.project());
    add("entity", config.entity() == null ? environment.entity() : config.entity());
    add("groupName", environment.run().group());
    add("displayName", config.name());
    add("notes", environment.run().notes());
    add("host", environment.host());
    add("jobType", environment.run().jobType());
    add("config", settings(arguments));
    JsonArray tags = new JsonArray();
    for (String tag : environment.run().tags().split(",", -1)) {
      if (!tag.isBlank()) {
        tags.add(tag.strip());
      }
    }
    variables.add("tags", tags);
  }

  private void add(String name, String value) {
    variables.addProperty(name, value.isEmpty() ? null : value);
  }

  private static String settings(Map<String, @Nullable Object> arguments) {
    JsonObject settings = new JsonObject();
    arguments.forEach((key, value) -> settings.add(key, wrapped(JSON.toJsonTree(value))));
    JsonObject wandb = new JsonObject();
    JsonObject telemetry = new JsonObject();
    telemetry.addProperty("5", "tanuki4j");
    wandb.add("t", telemetry);
    wandb.add("m", new JsonArray());
    settings.add("_wandb", wrapped(wandb));
    return JSON.toJson(settings);
  }

  private static JsonObject wrapped(JsonElement value) {
    JsonObject object = new JsonObject();
    object.add("value", value);
    return object;
  }

  /** Sends the request and returns what the server already had of the run; empty if nothing. */
  JsonObject send(WandbServer server) throws IOException {
    JsonObject before = before(server);
    JsonElement storage = before.get("id");
    if ((resume.equals("must") && storage == null) || (resume.equals("never") && storage != null)) {
      String found = storage == null ? "does not know" : "knows";
      throw new RequestException(
          "WANDB_RESUME is %s, but the server %s run %s".formatted(resume, found, id), true, null);
    }
    if (storage != null) {
      variables.add("id", storage);
    }
    JsonObject data = ask(server, "UpsertBucket", UPSERT, variables);
    JsonObject bucket = data.getAsJsonObject("upsertBucket").getAsJsonObject("bucket");
    JsonObject made = bucket.getAsJsonObject("project");
    project = made.get("name").getAsString();
    entity = made.getAsJsonObject("entity").get("name").getAsString();
    return before;
  }

  private JsonObject before(WandbServer server) throws IOException {
    JsonObject who = new JsonObject();
    for (String name : List.of("project", "entity", "name")) {
      who.add(name, variables.get(name));
    }
    JsonElement model = ask(server, "RunResumeStatus", RESUME, who).get("model");
    if (model == null || model.isJsonNull()) {
      return new JsonObject();
    }
    JsonElement bucket = model.getAsJsonObject().get("bucket");
    return bucket == null || bucket.isJsonNull() ? new JsonObject() : bucket.getAsJsonObject();
  }

  private static JsonObject ask(WandbServer server, String name, String query, JsonObject variables)
      throws IOException {
    JsonObject body = new JsonObject();
    body.addProperty("operationName", name);
    body.addProperty("query", query);
    body.add("variables", variables);
    return server.post("/graphql", body).getAsJsonObject("data");
  }

  /** Returns the last step of a run's history; -1 if it has none. */
  static long lastStep(JsonObject bucket) {
    JsonElement tail = bucket.get("historyTail");
    if (tail == null || tail.isJsonNull()) {
      return -1;
    }
    JsonArray lines = JsonParser.parseString(tail.getAsString()).getAsJsonArray();
    if (lines.isEmpty()) {
      return -1;
    }
    String last = lines.get(lines.size() - 1).getAsString();
    return JsonParser.parseString(last).getAsJsonObject().get("_step").getAsLong();
  }

  /** Returns the path to which the run's files are sent. */
  String streamPath() {
    return "/files/%s/%s/%s/file_stream".formatted(inPath(entity), inPath(project), inPath(id));
  }

  private static String inPath(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Returns the page that shows the run. */
  String page() {
    URI server = URI.create(base);
    String host = server.getAuthority();
    String shown =
        host.startsWith("api.wandb.") ? host.substring(4) : host.replaceFirst("^api\\.", "app.");
    return "%s://%s/%s/%s/runs/%s"
        .formatted(server.getScheme(), shown, inPath(entity), inPath(project), inPath(id));
  }
}
