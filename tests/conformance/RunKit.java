import java.io.FileReader;
import java.util.Properties;
import java.util.regex.Pattern;
import org.eclipse.dataspacetck.core.system.ConsoleMonitor;
import org.eclipse.dataspacetck.dsp.system.DspSystemLauncher;
import org.eclipse.dataspacetck.runtime.ConsoleResultWriter;
import org.eclipse.dataspacetck.runtime.TckRuntime;

/**
 * Runs the conformance kit: {@code RunKit kit.properties [pattern]}, where the pattern picks tests by their names, such as
 * {@code CN:01-0|MET}. Exit code 0: all that ran passed; 1: something failed; 2: nothing ran.
 */
public final class RunKit {
    private RunKit() {
    }

    public static void main(String[] arguments) throws Exception {
        var configuration = new Properties();
        try (var file = new FileReader(arguments[0])) {
            configuration.load(file);
        }
        var monitor = new ConsoleMonitor(flag(configuration, "dataspacetck.debug"), flag(configuration, "dataspacetck.ansi"));
        var kit = TckRuntime.Builder.newInstance()
                .launcher(DspSystemLauncher.class)
                .addPackage("org.eclipse.dataspacetck.dsp.verification")
                .monitor(monitor);
        for (var key : configuration.stringPropertyNames()) {
            kit.property(key, configuration.getProperty(key).trim());
        }
        if (arguments.length > 1) {
            var wanted = Pattern.compile(arguments[1]);
            // The same filter sees the names of test classes, which have no colon.
            kit.displayNameMatching(name -> !name.contains(":") || wanted.matcher(name).find());
        }
        var result = kit.build().execute();
        new ConsoleResultWriter(monitor).output(result);
        // A class whose set-up fails is in none of the lines above, and its tests are not counted.
        for (var failure : result.getFailures()) {
            if (failure.getTestIdentifier().isContainer()) {
                System.out.printf("set-up failed: %s: %s%n", failure.getTestIdentifier().getDisplayName(), failure.getException());
            }
        }
        System.out.printf("found %d, started %d, passed %d, failed %d, skipped %d%n",
                result.getTestsFoundCount(), result.getTestsStartedCount(), result.getTestsSucceededCount(),
                result.getTotalFailureCount(), result.getTestsSkippedCount());
        System.exit(result.getTestsStartedCount() == 0 ? 2 : result.getTotalFailureCount() == 0 ? 0 : 1);
    }

    private static boolean flag(Properties configuration, String key) {
        return Boolean.parseBoolean(configuration.getProperty(key, "false"));
    }
}
