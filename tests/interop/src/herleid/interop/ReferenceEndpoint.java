package herleid.interop;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.eclipse.edc.edr.spi.store.EndpointDataReferenceStore;

/**
 * The access that this EDC, as consumer, was given for a transfer: every property that it kept, by its full name.
 * EDC's own interface for it is a module that not every version publishes.
 */
@Path("/references")
@Produces(MediaType.APPLICATION_JSON)
public class ReferenceEndpoint {

    private final EndpointDataReferenceStore references;

    public ReferenceEndpoint(EndpointDataReferenceStore references) {
        this.references = references;
    }

    @GET
    @Path("/{transfer}")
    public Response get(@PathParam("transfer") String transfer) {
        var found = references.resolveByTransferProcess(transfer);
        if (found.failed()) {
            return Response.status(Response.Status.NOT_FOUND).build();
        }
        return Response.ok(found.getContent().getProperties()).build();
    }
}
