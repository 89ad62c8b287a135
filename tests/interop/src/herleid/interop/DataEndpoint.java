package herleid.interop;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import org.eclipse.edc.connector.dataplane.spi.iam.DataPlaneAuthorizationService;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

import static org.eclipse.edc.spi.constants.CoreConstants.EDC_NAMESPACE;

/** Serves what stands at an asset's {@code baseUrl} to whoever presents the token of a transfer of it. EDC has no such endpoint of its own. */
@Path("/")
public class DataEndpoint {

    private final DataPlaneAuthorizationService authorization;
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public DataEndpoint(DataPlaneAuthorizationService authorization) {
        this.authorization = authorization;
    }

    @GET
    public Response get(@HeaderParam(HttpHeaders.AUTHORIZATION) String header) {
        if (header == null) {
            return Response.status(Response.Status.UNAUTHORIZED).build();
        }
        // EDC hands out the bare token and calls it a bearer token: some clients send the scheme, others do not.
        var token = header.startsWith("Bearer ") ? header.substring("Bearer ".length()) : header;
        var source = authorization.authorize(token, Map.of());
        if (source.failed()) {
            return Response.status(Response.Status.FORBIDDEN).entity(source.getFailureDetail()).build();
        }
        var upstream = HttpRequest.newBuilder(URI.create(source.getContent().getStringProperty(EDC_NAMESPACE + "baseUrl"))).build();
        try {
            HttpResponse<InputStream> found = client.send(upstream, HttpResponse.BodyHandlers.ofInputStream());
            var type = found.headers().firstValue(HttpHeaders.CONTENT_TYPE).orElse("application/octet-stream");
            return Response.status(found.statusCode()).header(HttpHeaders.CONTENT_TYPE, type).entity(found.body()).build();
        } catch (IOException e) {
            return Response.status(Response.Status.BAD_GATEWAY).entity("the source of the data does not answer: " + e.getMessage()).build();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Response.status(Response.Status.SERVICE_UNAVAILABLE).build();
        }
    }
}
