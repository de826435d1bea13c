import ca.uhn.fhir.batch2.api.IJobMaintenanceService;
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.MemoryBinaryStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import jakarta.persistence.EntityManagerFactory;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hibernate.cfg.AvailableSettings;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * HAPI's JPA server for R4 with Bulk Data $export, in memory: see README.md.
 * Arguments: the port (0: any that is free); "strict" to check references. Prints "ready: URL" when
 * it answers.
 */
public final class HapiServer {
  /** Whether references must lead to what it has. */
  private static boolean isStrict;

  public static void main(String[] arguments) throws Exception {
    isStrict = arguments.length > 1 && arguments[1].equals("strict");
    Server jetty = new Server();
    ServerConnector connector = new ServerConnector(jetty);
    connector.setHost("127.0.0.1");
    connector.setPort(arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0);
    jetty.addConnector(connector);
    connector.open();
    String base = "http://127.0.0.1:" + connector.getLocalPort() + "/fhir";

    AnnotationConfigApplicationContext spring = new AnnotationConfigApplicationContext(Beans.class);
    RestfulServer fhir = new RestfulServer(spring.getBean(FhirContext.class));
    fhir.registerProviders(spring.getBean("myResourceProvidersR4", ResourceProviderFactory.class).createProviders());
    fhir.registerProvider(spring.getBean(JpaSystemProvider.class));
    fhir.registerProvider(spring.getBean(BulkDataExportProvider.class));
    fhir.setPagingProvider(spring.getBean(DatabaseBackedPagingProvider.class));
    fhir.setServerAddressStrategy(new HardcodedServerAddressStrategy(base));

    ServletContextHandler context = new ServletContextHandler("/");
    context.addServlet(new ServletHolder(fhir), "/fhir/*");
    context.addFilter(new FilterHolder(new Hurried()), "/fhir/*", EnumSet.of(DispatcherType.REQUEST));
    jetty.setHandler(context);
    jetty.start();
    // HAPI looks once a minute whether a job may take its next step, of which an export has several.
    IJobMaintenanceService jobs = spring.getBean(IJobMaintenanceService.class);
    Executors.newSingleThreadScheduledExecutor()
        .scheduleWithFixedDelay(jobs::runMaintenancePass, 1, 1, TimeUnit.SECONDS);
    System.out.println("ready: " + base);
    jetty.join();
  }

  /** Asks clients to come back after a second, where HAPI says two minutes. */
  private static final class Hurried extends HttpFilter {
    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      chain.doFilter(request, new HttpServletResponseWrapper(response) {
        @Override
        public void addHeader(String name, String value) {
          super.addHeader(name, name.equalsIgnoreCase("Retry-After") ? "1" : value);
        }
      });
    }
  }

  /** What HAPI asks of those who assemble it. */
  @Configuration
  @Import({JpaR4Config.class, HapiJpaConfig.class, JpaBatch2Config.class, Batch2JobsConfig.class,
      SubscriptionChannelConfig.class, ThreadPoolFactoryConfig.class})
  public static class Beans {
    @Bean
    public JpaStorageSettings storageSettings() {
      JpaStorageSettings settings = new JpaStorageSettings();
      settings.setAllowExternalReferences(!isStrict);
      settings.setAutoCreatePlaceholderReferenceTargets(!isStrict);
      settings.setEnforceReferentialIntegrityOnWrite(isStrict);
      settings.setHibernateSearchIndexSearchParams(false);
      // Files of several sizes, and more than one of a type.
      settings.setBulkExportFileMaximumCapacity(200);
      return settings;
    }

    @Bean
    public PartitionSettings partitionSettings() {
      return new PartitionSettings();
    }

    @Bean
    public SubscriptionSettings subscriptionSettings() {
      return new SubscriptionSettings();
    }

    @Bean
    public IBinaryStorageSvc binaryStorage() {
      return new MemoryBinaryStorageSvcImpl();
    }

    @Bean(destroyMethod = "close")
    public DataSource dataSource() {
      BasicDataSource pool = new BasicDataSource();
      pool.setUrl("jdbc:h2:mem:hapi;DB_CLOSE_DELAY=-1");
      pool.setUsername("sa");
      pool.setPassword("");
      pool.setMaxTotal(20);
      return pool;
    }

    @Primary
    @Bean
    public LocalContainerEntityManagerFactoryBean entityManagerFactory(
        DataSource pool, ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings settings) {
      Properties properties = new Properties();
      properties.put(AvailableSettings.DIALECT, HapiFhirH2Dialect.class.getName());
      properties.put(AvailableSettings.HBM2DDL_AUTO, "create");
      properties.put("hibernate.search.enabled", "false");
      LocalContainerEntityManagerFactoryBean factory =
          HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
      factory.setPersistenceUnitName("hapi");
      factory.setDataSource(pool);
      factory.setJpaProperties(properties);
      return factory;
    }

    @Primary
    @Bean
    public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }
  }
}
