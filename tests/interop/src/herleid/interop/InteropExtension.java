package herleid.interop;

import org.eclipse.edc.connector.controlplane.contract.spi.policy.ContractNegotiationPolicyContext;
import org.eclipse.edc.connector.dataplane.spi.Endpoint;
import org.eclipse.edc.connector.dataplane.spi.iam.DataPlaneAuthorizationService;
import org.eclipse.edc.connector.dataplane.spi.iam.PublicEndpointGeneratorService;
import org.eclipse.edc.edr.spi.store.EndpointDataReferenceStore;
import org.eclipse.edc.policy.engine.spi.PolicyEngine;
import org.eclipse.edc.policy.engine.spi.RuleBindingRegistry;
import org.eclipse.edc.policy.model.Operator;
import org.eclipse.edc.policy.model.Permission;
import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.runtime.metamodel.annotation.Setting;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;
import org.eclipse.edc.web.spi.WebService;
import org.eclipse.edc.web.spi.configuration.PortMapping;
import org.eclipse.edc.web.spi.configuration.PortMappingRegistry;

import java.io.IOException;
import java.io.OutputStream;

/**
 * What EDC's distribution leaves to whoever runs it: the keys that sign data plane tokens, an endpoint that serves data for such a
 * token, a way to read the access that a consumer was given, and one policy operand that EDC itself evaluates.
 */
public class InteropExtension implements ServiceExtension {

    /** The participant that a permission is for. EDC ignores constraints whose left operand is not bound: without this it refuses nobody. */
    static final String PARTY = "https://w3id.org/herleid/interop/party";

    private static final String DATA = "public";
    private static final int DATA_PORT = 8185;

    @Setting(key = "web.http.public.port", description = "port of the endpoint that serves data", defaultValue = "" + DATA_PORT)
    private int dataPort;
    @Setting(key = "web.http.public.path", description = "path of the endpoint that serves data", defaultValue = "/public")
    private String dataPath;
    @Setting(key = "interop.public.endpoint", description = "address of that endpoint as consumers are told it")
    private String dataAddress;
    @Setting(key = "interop.ends.with.input", description = "whether the runtime ends when its standard input does", defaultValue = "false")
    private boolean endsWithInput;
    @Setting(key = "edc.transfer.proxy.token.signer.privatekey.alias", description = "where the signing key of data plane tokens is kept")
    private String privateKeyAlias;
    @Setting(key = "edc.transfer.proxy.token.verifier.publickey.alias", description = "where its public half is kept")
    private String publicKeyAlias;

    @Inject
    private Vault vault;
    @Inject
    private WebService webService;
    @Inject
    private PortMappingRegistry ports;
    @Inject
    private PublicEndpointGeneratorService endpoints;
    @Inject
    private DataPlaneAuthorizationService authorization;
    @Inject
    private EndpointDataReferenceStore references;
    @Inject
    private PolicyEngine policies;
    @Inject
    private RuleBindingRegistry bindings;

    @Override
    public String name() {
        return "Herleid interop";
    }

    /** Whoever started this runtime may be killed at any moment; it must not outlive that. */
    @Override
    public void start() {
        if (!endsWithInput) {
            return;
        }
        var waiting = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                // An input that breaks has ended as well.
            }
            Runtime.getRuntime().halt(0);
        }, "ends with input");
        waiting.setDaemon(true);
        waiting.start();
    }

    @Override
    public void initialize(ServiceExtensionContext context) {
        var keys = SigningKeys.fresh();
        vault.storeSecret(privateKeyAlias, keys.privatePem());
        vault.storeSecret(publicKeyAlias, keys.publicPem());

        ports.register(new PortMapping(DATA, dataPort, dataPath));
        endpoints.addGeneratorFunction("HttpData", source -> Endpoint.url(dataAddress));
        webService.registerResource(DATA, new DataEndpoint(authorization));
        webService.registerResource(new ReferenceEndpoint(references));

        bindings.bind("use", ContractNegotiationPolicyContext.NEGOTIATION_SCOPE);
        bindings.bind("http://www.w3.org/ns/odrl/2/use", ContractNegotiationPolicyContext.NEGOTIATION_SCOPE);
        bindings.bind(PARTY, ContractNegotiationPolicyContext.NEGOTIATION_SCOPE);
        policies.registerFunction(ContractNegotiationPolicyContext.class, Permission.class, PARTY,
                (operator, wanted, rule, negotiation) -> operator == Operator.EQ
                        && negotiation.participantAgent().getIdentity().equals(wanted.toString()));
    }
}
